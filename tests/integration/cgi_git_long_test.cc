// git with large repositories through conf/cgi.yaml: 2,000 commits, packs of 50 MB, during a hundred reloads.
#include <gtest/gtest.h>

#include "cgi/git_storm.h"

namespace harness {
namespace {

class CgiGitLarge : public testing::TestWithParam<FrontRoad> {};

TEST_P(CgiGitLarge, LosesNothingInAHundredReloads) {
  GitScenario scenario(GetParam(), kLargeGit);
  weather_git_reloads(scenario, 100);
}

INSTANTIATE_TEST_SUITE_P(Behind, CgiGitLarge,
                         testing::Values(FrontRoad{FrontKind::kNginx, false}, FrontRoad{FrontKind::kApache, true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
