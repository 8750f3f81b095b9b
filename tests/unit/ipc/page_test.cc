#include "ipc/page.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "../base/forked.h"

namespace forklift::ipc {
namespace {

class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = SharedPage::create();
    ASSERT_TRUE(made);
    page_ = std::move(*made);
  }

  SharedPage page_;
  WordsCopy copy_;
};

TEST_F(PageTest, begins_with_nothing_taken) {
  EXPECT_EQ(page_.taken(), 0U);
  EXPECT_EQ(page_.response(), ResponseState::kNone);
  EXPECT_EQ(page_.activity(), Activity::kPlugin);
  EXPECT_EQ(page_.request(copy_).method, "");
  EXPECT_EQ(page_.request(copy_).uri, "");
}

TEST_F(PageTest, what_a_worker_writes_is_there_after_its_death) {
  const TimePoint before = Clock::now();
  in_child([this]() -> std::string {
    page_.take(7);
    page_.set_request({.method = "GET", .uri = "/x?y"});
    page_.set_status(404);
    page_.set_response(ResponseState::kStarted);
    page_.count_sent(1000);
    page_.count_sent(1);
    page_.set_activity(Activity::kClient);
    return "";
  });
  EXPECT_EQ(page_.taken(), 7U);
  EXPECT_EQ(page_.request(copy_).method, "GET");
  EXPECT_EQ(page_.request(copy_).uri, "/x?y");
  EXPECT_EQ(page_.response(), ResponseState::kStarted);
  EXPECT_EQ(page_.status(), 404U);
  EXPECT_EQ(page_.sent(), 1001U);
  EXPECT_EQ(page_.activity(), Activity::kClient);
  EXPECT_GE(page_.progress(), before) << "the clock of both processes is one";
  EXPECT_LE(page_.progress(), Clock::now());
}

TEST_F(PageTest, what_was_read_of_a_request_stays_as_it_was_whatever_is_written_there_later) {
  page_.set_request({.method = "GET", .uri = "/harmless", .user_agent = "browser"});
  const RequestWords words = page_.request(copy_);
  page_.set_request({.method = "\n\n\n", .uri = "/\n\n\n\n\n\n\n\n", .user_agent = "\n"});
  EXPECT_EQ(words.method, "GET");
  EXPECT_EQ(words.uri, "/harmless");
  EXPECT_EQ(words.user_agent, "browser");
}

TEST_F(PageTest, taking_a_request_forgets_the_one_before) {
  page_.take(1);
  page_.set_request({.method = "GET", .uri = "/a"});
  page_.set_status(404);
  page_.set_response(ResponseState::kComplete);
  page_.count_sent(1000);
  page_.set_activity(Activity::kClient);
  page_.take(2);
  EXPECT_EQ(page_.status(), 0U);
  EXPECT_EQ(page_.sent(), 0U);
  EXPECT_EQ(page_.taken(), 2U);
  EXPECT_EQ(page_.response(), ResponseState::kNone);
  EXPECT_EQ(page_.activity(), Activity::kPlugin);
  EXPECT_EQ(std::string(page_.request(copy_).method) + std::string(page_.request(copy_).uri), "");
}

TEST_F(PageTest, long_texts_are_cut) {
  const std::string method(100, 'M');
  const std::string uri = "/" + std::string(5000, 'u');
  page_.set_request({.method = method, .uri = uri});
  EXPECT_EQ(page_.request(copy_).method, method.substr(0, sizeof PageLayout::method.text));
  EXPECT_EQ(page_.request(copy_).uri, uri.substr(0, sizeof PageLayout::uri.text));
  page_.set_request({.method = "GET", .uri = std::string_view("/\0\xff", 3)});
  EXPECT_EQ(page_.request(copy_).uri, std::string("/\0\xff", 3)) << "raw bytes: whoever prints them quotes them";
}

TEST_F(PageTest, moving_it_moves_the_mapping) {
  page_.take(7);
  SharedPage moved(std::move(page_));
  EXPECT_EQ(moved.taken(), 7U);
  page_ = std::move(moved);
  EXPECT_EQ(page_.taken(), 7U);
  page_ = {};
}

// The mapping, as a plugin would find it: the functions of SharedPage don't give it away.
void* mapping_of(const SharedPage& page) {
  static_assert(sizeof(SharedPage) == sizeof(void*));
  void* memory = nullptr;
  std::memcpy(static_cast<void*>(&memory), static_cast<const void*>(&page), sizeof memory);
  return memory;
}

// A plugin may write anything over the page. The master reads it, and that must be all that happens.
TEST_F(PageTest, garbage_from_the_other_side_is_harmless) {
  std::mt19937 random(1);
  auto* const bytes = static_cast<unsigned char*>(mapping_of(page_));
  for (int round = 0; round < 2000; ++round) {
    for (std::size_t i = 0; i < sizeof(PageLayout); ++i) bytes[i] = static_cast<unsigned char>(random());
    EXPECT_LE(page_.request(copy_).method.size(), sizeof PageLayout::method.text);
    EXPECT_LE(page_.request(copy_).uri.size(), sizeof PageLayout::uri.text);
    const ResponseState response = page_.response();
    EXPECT_TRUE(response == ResponseState::kNone || response == ResponseState::kStarted ||
                response == ResponseState::kComplete);
    const Activity activity = page_.activity();
    EXPECT_TRUE(activity == Activity::kPlugin || activity == Activity::kClient);
    (void)page_.progress();
    (void)page_.taken();
  }
}

TEST_F(PageTest, an_impossible_response_counts_as_started) {
  auto& layout = *static_cast<PageLayout*>(mapping_of(page_));
  for (const std::uint32_t word : {3U, 0x80000000U, 0xffffffffU}) {
    layout.response.store(static_cast<ResponseState>(word));
    EXPECT_EQ(page_.response(), ResponseState::kStarted) << word;
  }
}

}  // namespace
}  // namespace forklift::ipc
