// A small fuzzer that is the same in every run: what it looks for is found by the sanitizers and by disagreement.
#include <gtest/gtest.h>

#include <random>

#include "protocol/frame.h"
#include "protocol/request.h"
#include "scgi_text.h"
#include "soundness.h"

namespace forklift::protocol {
namespace {

using Verdict = HeadScan::Verdict;

constexpr std::size_t kHeadLimit = 4096;
constexpr RequestLimits kMutantLimits{.body = 1000, .variables = 50};

class Mutator {
 public:
  // One to four small changes; every other time the netstring around the block is put right again, or hardly any mutant
  // would come past the frame.
  std::string mutate(std::string head) {
    const std::size_t colon = head.find(':');
    const bool inside = below(2) == 0;
    std::string bytes = inside ? head.substr(colon + 1, head.size() - colon - 2) : std::move(head);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    return inside ? netstring(bytes) : bytes;
  }

 private:
  std::size_t below(std::size_t end) { return random_() % end; }

  char interesting_byte() {
    constexpr char kBytes[] = {'\0', ':', ',', '0', '1', '9', '=', ' ', '\r', '\n', 'H', '_', '\x7f', '\xff'};
    return kBytes[below(sizeof kBytes)];
  }

  void change(std::string& bytes) {
    if (bytes.empty()) return bytes.push_back(interesting_byte());
    const std::size_t at = below(bytes.size());
    const std::size_t length = 1 + below(20);
    switch (below(6)) {
      case 0: bytes[at] = interesting_byte(); break;
      case 1: bytes[at] = static_cast<char>(random_()); break;
      case 2: bytes.insert(at, 1, interesting_byte()); break;
      case 3: bytes.erase(at, length); break;
      case 4: bytes.insert(below(bytes.size()), bytes.substr(at, length)); break;
      case 5: bytes.resize(at); break;
    }
  }

  std::mt19937 random_{20240229};
};

TEST(ScgiMutation, frame_and_parser_agree_about_every_mutant) {
  Mutator mutator;
  Request request;
  std::size_t complete = 0;
  std::size_t accepted = 0;
  for (int round = 0; round < 2000; ++round) {
    for (const std::string& head : good_heads()) {
      const std::string mutant = mutator.mutate(head);
      const ExactBytes bytes(mutant);
      const HeadScan scan = kScgiFrame.scan(bytes.view(), kHeadLimit);
      if (scan.verdict != Verdict::kComplete) {
        ASSERT_EQ(scan.status != 0, scan.verdict == Verdict::kBad);
        ASSERT_FALSE(parse_scgi_head(bytes.view(), kMutantLimits, request)) << testing::PrintToString(mutant);
        continue;
      }
      ++complete;
      ASSERT_LE(scan.head_bytes, mutant.size());
      const ExactBytes exact(bytes.view().substr(0, scan.head_bytes));
      const auto parsed = parse_scgi_head(exact.view(), kMutantLimits, request);
      if (parsed) {
        ++accepted;
        ASSERT_EQ(find_unsoundness(request, exact.view(), kMutantLimits), "") << testing::PrintToString(mutant);
      } else {
        ASSERT_TRUE(parsed.error().status == 400 || parsed.error().status == 413 || parsed.error().status == 431);
        ASSERT_NE(parsed.error().reason, "");
      }
    }
  }
  // Mutants that all die at the same door would test nothing.
  EXPECT_GT(complete, 3000u);
  EXPECT_GT(accepted, 300u);
}

TEST(ScgiMutation, a_verdict_never_changes_when_more_bytes_arrive) {
  Mutator mutator;
  for (int round = 0; round < 300; ++round) {
    const std::string mutant = mutator.mutate(published_head());
    HeadScan before;
    for (std::size_t arrived = 0; arrived <= mutant.size(); ++arrived) {
      const HeadScan now = kScgiFrame.scan(std::string_view(mutant).substr(0, arrived), kHeadLimit);
      if (before.verdict != Verdict::kIncomplete) {
        ASSERT_EQ(now.verdict, before.verdict) << testing::PrintToString(mutant);
        ASSERT_EQ(now.status, before.status);
      }
      if (before.head_bytes != 0) {
        ASSERT_TRUE(now.head_bytes == before.head_bytes || now.verdict == Verdict::kBad);
      }
      before = now;
    }
  }
}

}  // namespace
}  // namespace forklift::protocol
