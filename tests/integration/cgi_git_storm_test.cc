// git's clients during a storm of reloads, as short as it can be. The long form has a hundred reloads.
#include <gtest/gtest.h>

#include "cgi/git_storm.h"

namespace harness {
namespace {

TEST(CgiGitStorm, LosesNothingBehindNginx) {
  GitScenario scenario({FrontKind::kNginx, true}, kSmallGit);
  weather_git_reloads(scenario, 15);
}

TEST(CgiGitStorm, LosesNothingBehindApache) {
  GitScenario scenario({FrontKind::kApache, false}, kSmallGit);
  weather_git_reloads(scenario, 15);
}

}  // namespace
}  // namespace harness
