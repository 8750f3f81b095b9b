// The same, two hundred times.
#include <gtest/gtest.h>

#include "reload/reload_storm.h"

namespace harness {
namespace {

TEST(ReloadStormOften, LosesNothingInTwoHundredReloads) {
  weather_reloads(200);
}

}  // namespace
}  // namespace harness
