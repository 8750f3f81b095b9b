// A hundred megabytes through each front server: more than any of them or of their sockets keeps in memory.
#include "harness/behind_front.h"

namespace harness {
namespace {

constexpr std::uint64_t kHundredMegabytes = 100 << 20;

// They go through the front's files and a sanitized worker on a machine that runs other tests too.
constexpr milliseconds kBigPatience = seconds(90);

class FrontLarge : public BehindFront {
 protected:
  FrontLarge() : BehindFront({{.name = "echo", .plugin = plugin_file("echo"), .more = "limits: {body: 128M}\n"}}) {}
};

TEST_P(FrontLarge, BodiesGoBothWays) {
  expect_echo(pattern_body(kHundredMegabytes), kBigPatience);
}

TEST_P(FrontLarge, UploadsAreHashed) {
  // head -c 104857600 /dev/zero | sha256sum
  expect_hash(repeated_body('\0', kHundredMegabytes),
              "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e", kBigPatience);
}

INSTANTIATE_TEST_SUITE_P(Behind, FrontLarge, all_front_roads(), testing::PrintToStringParamName());

}  // namespace
}  // namespace harness
