// The master scans and a worker parses once for every request: both must do it without the heap.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "protocol/frame.h"
#include "protocol/request.h"
#include "scgi_text.h"

namespace {
std::size_t allocations = 0;
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace forklift::protocol {
namespace {

TEST(Allocation, a_scan_allocates_only_for_the_reason_of_a_refusal) {
  const std::string head = published_head();
  allocations = 0;
  for (std::size_t arrived = 0; arrived <= head.size(); ++arrived) {
    kScgiFrame.scan(std::string_view(head).substr(0, arrived), 65536);
  }
  EXPECT_EQ(allocations, 0u);
}

TEST(Allocation, parsing_reuses_what_an_earlier_request_has_allocated) {
  const std::string head = published_head();
  Request request;
  ASSERT_TRUE(parse_scgi_head(head, {.body = 100}, request));
  allocations = 0;
  ASSERT_TRUE(parse_scgi_head(head, {.body = 100}, request));
  EXPECT_EQ(allocations, 0u);
}

}  // namespace
}  // namespace forklift::protocol
