// The storm of reloads (reload/reload_storm.h), as short as it can be and still have each of its ways twice.
#include <gtest/gtest.h>

#include "reload/reload_storm.h"

namespace harness {
namespace {

TEST(ReloadStorm, LosesNothingInTwelveReloads) {
  weather_reloads(12);
}

}  // namespace
}  // namespace harness
