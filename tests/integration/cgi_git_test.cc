// git over HTTP through conf/cgi.yaml, behind nginx and Apache as conf/ has them. The long form of this scenario has
// the large repositories.
#include <gtest/gtest.h>

#include "cgi/git_scenario.h"

namespace harness {
namespace {

class CgiGit : public testing::TestWithParam<FrontRoad> {};

TEST_P(CgiGit, PushesClonesAndFetches) {
  GitScenario scenario(GetParam(), kSmallGit);
  scenario.run();
  scenario.check_repository();
}

INSTANTIATE_TEST_SUITE_P(Behind, CgiGit,
                         testing::Values(FrontRoad{FrontKind::kNginx, false}, FrontRoad{FrontKind::kApache, true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
