// What the tables of an exchange say where memory has run out.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "line.h"
#include "worker/exchange.h"

namespace {
thread_local bool memory_is_out = false;
}

// Of the whole test program.
void* operator new(std::size_t size) {
  void* const memory = memory_is_out ? nullptr : std::malloc(size > 0 ? size : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace forklift::worker {
namespace {

class ExchangeMemoryTest : public testing::Test {
 protected:
  template <typename Call>
  static auto without_memory(const Call& call) {
    memory_is_out = true;
    const auto result = call();
    memory_is_out = false;
    return result;
  }

  Line line_{Kind::kTcp};
  ipc::SharedPage page_ = std::move(*ipc::SharedPage::create());
  protocol::Request request_;
  ClientSocket socket_{line_.lend(), page_};
  BodyReader reader_{socket_, "", 0, 3, {}};
  ResponseWriter writer_{socket_, page_, "POST", {}};
  Exchange exchange_{request_, socket_, reader_, writer_};
  forklift_body* body_ = exchange_.body();
  forklift_out* out_ = exchange_.out();
};

// The bytes were counted before there was no room for them.
TEST_F(ExchangeMemoryTest, what_could_not_be_written_ends_the_response) {
  ASSERT_EQ(out_->begin(out_, 200, nullptr, 0), 0);
  const std::string piece(1000, 'p');
  EXPECT_EQ(without_memory([&] { return out_->write(out_, piece.data(), piece.size()); }), FORKLIFT_ENOMEM);
  EXPECT_EQ(out_->write(out_, piece.data(), piece.size()), FORKLIFT_ENOMEM);
  EXPECT_EQ(out_->flush(out_), FORKLIFT_ENOMEM);
  EXPECT_EQ(writer_.finish(), FORKLIFT_ENOMEM);
  EXPECT_EQ(writer_.problem(), "no memory left");
}

TEST_F(ExchangeMemoryTest, nor_does_a_begin_come_a_second_time) {
  const forklift_header header{"X-Name", "a value that is longer than what a string holds by itself"};
  EXPECT_EQ(without_memory([&] { return out_->begin(out_, 200, &header, 1); }), FORKLIFT_ENOMEM);
  EXPECT_EQ(out_->begin(out_, 200, &header, 1), FORKLIFT_ENOMEM);
}

TEST_F(ExchangeMemoryTest, a_read_that_has_to_wait_ends_the_body_and_throws_nothing) {
  char buffer[3];
  EXPECT_EQ(without_memory([&] { return body_->read(body_, buffer, sizeof buffer); }), FORKLIFT_ENOMEM);
  line_.send("abc");
  EXPECT_EQ(body_->read(body_, buffer, sizeof buffer), FORKLIFT_ENOMEM);
  EXPECT_EQ(writer_.error(), FORKLIFT_ENOMEM);
}

}  // namespace
}  // namespace forklift::worker
