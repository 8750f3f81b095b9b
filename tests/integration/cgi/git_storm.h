// git's clients while the server is reloaded, again and again.
#pragma once

#include "cgi/git_scenario.h"

namespace harness {

// So many reloads, each of which brings new workers, while the scenario runs, as often as it takes. No client notices.
// Failures go to GoogleTest.
void weather_git_reloads(GitScenario& scenario, int count);

}  // namespace harness
