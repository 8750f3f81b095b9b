#include "master/head_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "../base/forked.h"

namespace forklift::master {
namespace {

TEST(HeadPool, sizes_grow_by_four) {
  HeadPool pool;
  for (const auto& [wanted, given] : std::vector<std::pair<std::size_t, std::size_t>>{{0, 4096},
                                                                                      {1, 4096},
                                                                                      {4096, 4096},
                                                                                      {4097, 16384},
                                                                                      {16384, 16384},
                                                                                      {65536, 65536},
                                                                                      {65537, 262144},
                                                                                      {262145, 1048576},
                                                                                      {1048577, 4194304},
                                                                                      {4194304, 4194304}}) {
    auto buffer = pool.take(wanted);
    ASSERT_TRUE(buffer) << wanted;
    EXPECT_EQ(buffer->capacity, given) << wanted;
    std::memset(buffer->data, 'x', buffer->capacity);
    pool.give_back(*buffer);
  }
}

TEST(HeadPool, more_than_the_largest_size_is_refused) {
  HeadPool pool;
  EXPECT_FALSE(pool.take(4194305));
  EXPECT_FALSE(pool.take(SIZE_MAX));
}

TEST(HeadPool, a_buffer_that_is_given_back_is_used_again) {
  HeadPool pool;
  auto first = pool.take(100);
  ASSERT_TRUE(first);
  char* const data = first->data;
  pool.give_back(*first);
  EXPECT_EQ(first->data, nullptr);
  EXPECT_EQ(first->capacity, 0U);
  pool.give_back(*first);  // one that is empty
  EXPECT_EQ(pool.take(100)->data, data);
  EXPECT_NE(pool.take(100)->data, data);
}

TEST(HeadPool, no_two_buffers_overlap) {
  HeadPool pool;
  std::mt19937 random(7);
  std::vector<HeadBuffer> held;
  for (int i = 0; i < 400; ++i) {
    auto buffer = pool.take(random() % 70'000);
    ASSERT_TRUE(buffer);
    held.push_back(*buffer);
    if (i % 3 == 0) {
      std::swap(held.back(), held[random() % held.size()]);
      pool.give_back(held.back());
      held.pop_back();
    }
  }
  std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) { return a.data < b.data; });
  for (std::size_t i = 1; i < held.size(); ++i) EXPECT_LE(held[i - 1].data + held[i - 1].capacity, held[i].data);
}

// What a client sent to one app is not for the plugin of another.
TEST(HeadPool, a_forked_worker_sees_zeros) {
  HeadPool pool;
  std::vector<HeadBuffer> held;
  for (const std::size_t size : {100U, 10'000U, 1'000'000U}) {
    held.push_back(*pool.take(size));
    std::memset(held.back().data, 'S', held.back().capacity);
  }
  const Forked child = in_child([&]() -> std::string {
    for (const auto& buffer : held) {
      const bool zero = std::all_of(buffer.data, buffer.data + buffer.capacity, [](char c) { return c == 0; });
      if (!zero) return "secrets in " + std::to_string(buffer.capacity);
    }
    return "zeros";
  });
  EXPECT_EQ(child.said, "zeros");
  for (const auto& buffer : held) EXPECT_EQ(buffer.data[buffer.capacity - 1], 'S') << "and the master keeps its own";
}

}  // namespace
}  // namespace forklift::master
