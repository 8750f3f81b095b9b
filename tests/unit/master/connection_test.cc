#include "master/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace forklift::master {
namespace {

class ConnectionTableTest : public testing::Test {
 protected:
  Connection& tenant() {
    Connection& connection = table_.acquire();
    connection.state = ConnectionState::kReceiving;
    return connection;
  }

  std::vector<std::uint32_t> expired_;
  ConnectionTable table_{[this](Connection& connection) { expired_.push_back(connection.index); }};
};

TEST_F(ConnectionTableTest, a_tenant_is_found_until_it_leaves_and_the_next_one_has_another_serial) {
  Connection& connection = tenant();
  const std::uint32_t index = connection.index;
  const std::uint32_t serial = connection.serial;
  EXPECT_EQ(table_.find(index, serial), &connection);
  EXPECT_EQ(table_.find(index, serial + 1), nullptr);
  EXPECT_EQ(table_.find(index + 1, serial), nullptr);
  table_.release(connection);
  EXPECT_EQ(table_.find(index, serial), nullptr);

  EXPECT_EQ(&tenant(), &connection) << "the record is used again";
  EXPECT_EQ(table_.find(index, serial), nullptr);
  EXPECT_EQ(table_.find(index, connection.serial), &connection);
}

TEST_F(ConnectionTableTest, nothing_of_a_tenant_is_left_for_the_next) {
  Timers timers;
  Connection& connection = tenant();
  connection.fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = connection.fd.get();
  auto head = table_.heads().take(1000);
  ASSERT_TRUE(head);
  connection.head = *head;
  connection.bytes = connection.head_bytes = connection.unread = connection.drained = 10;
  connection.lends = 2;
  connection.frame = &protocol::kScgiFrame;
  connection.deadline.set(timers, Clock::now());
  table_.release(connection);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "its descriptor is closed";
  timers.run(Clock::now());
  EXPECT_TRUE(expired_.empty());

  Connection& next = tenant();
  ASSERT_EQ(&next, &connection);
  EXPECT_FALSE(next.fd);
  EXPECT_EQ(next.head.data, nullptr);
  EXPECT_EQ(next.bytes + next.head_bytes + next.unread + next.drained + next.lends, 0U);
  EXPECT_EQ(next.app, nullptr);
  EXPECT_EQ(next.frame, nullptr);
  EXPECT_FALSE(next.polled);
}

TEST_F(ConnectionTableTest, a_deadline_names_its_connection) {
  Timers timers;
  tenant();
  tenant().deadline.set(timers, Clock::now());
  timers.run(Clock::now());
  EXPECT_EQ(expired_, std::vector<std::uint32_t>{1});
}

TEST_F(ConnectionTableTest, records_never_move_and_are_reused_before_new_ones_are_made) {
  std::vector<Connection*> tenants;
  std::mt19937 random(5);
  std::size_t most = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (tenants.empty() || random() % 2 == 0) {
      tenants.push_back(&tenant());
    } else {
      const std::size_t i = random() % tenants.size();
      table_.release(*tenants[i]);
      tenants.erase(tenants.begin() + static_cast<std::ptrdiff_t>(i));
    }
    most = std::max(most, tenants.size());
    ASSERT_EQ(table_.size(), tenants.size());
  }
  std::vector<Connection*> seen;
  table_.for_each([&](Connection& connection) { seen.push_back(&connection); });
  EXPECT_TRUE(std::is_permutation(seen.begin(), seen.end(), tenants.begin(), tenants.end()));
  for (Connection* connection : tenants) {
    EXPECT_LT(connection->index, most);
    EXPECT_EQ(table_.find(connection->index, connection->serial), connection);
  }
}

class ConnectionQueueTest : public testing::Test {
 protected:
  ConnectionQueueTest() {
    for (std::uint32_t i = 0; i < 6; ++i) connections_.emplace_back(i);
  }

  // The indices from front to back, emptying the queue.
  std::string drained() {
    std::string order;
    while (Connection* front = queue_.front()) {
      order += std::to_string(front->index);
      queue_.remove(*front);
    }
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.size(), 0U);
    return order;
  }

  std::deque<Connection> connections_;
  ConnectionQueue queue_;
};

TEST_F(ConnectionQueueTest, first_come_first_served) {
  EXPECT_EQ(queue_.front(), nullptr);
  for (auto& connection : connections_) queue_.push_back(connection);
  EXPECT_EQ(queue_.size(), 6U);
  EXPECT_EQ(drained(), "012345");
}

TEST_F(ConnectionQueueTest, one_whose_worker_died_goes_to_the_front) {
  queue_.push_front(connections_[2]);
  queue_.push_back(connections_[3]);
  queue_.push_front(connections_[1]);
  EXPECT_EQ(drained(), "123");
}

TEST_F(ConnectionQueueTest, one_may_leave_from_anywhere) {
  for (const std::size_t leaver : {0U, 3U, 5U}) {
    for (auto& connection : connections_) queue_.push_back(connection);
    queue_.remove(connections_[leaver]);
    EXPECT_EQ(queue_.size(), 5U);
    EXPECT_EQ(connections_[leaver].next, nullptr);
    EXPECT_EQ(connections_[leaver].previous, nullptr);
    std::string expected = "012345";
    expected.erase(leaver, 1);
    EXPECT_EQ(drained(), expected);
  }
}

TEST_F(ConnectionQueueTest, the_only_one_may_leave_and_come_back) {
  queue_.push_back(connections_[4]);
  queue_.remove(connections_[4]);
  queue_.push_front(connections_[4]);
  queue_.push_back(connections_[0]);
  EXPECT_EQ(drained(), "40");
}

TEST_F(ConnectionQueueTest, behaves_as_a_deque_would) {
  std::mt19937 random(3);
  std::deque<std::uint32_t> expected;
  for (int step = 0; step < 20'000; ++step) {
    Connection& connection = connections_[random() % connections_.size()];
    const auto at = std::find(expected.begin(), expected.end(), connection.index);
    if (at != expected.end()) {
      queue_.remove(connection);
      expected.erase(at);
    } else if (random() % 2 == 0) {
      queue_.push_back(connection);
      expected.push_back(connection.index);
    } else {
      queue_.push_front(connection);
      expected.push_front(connection.index);
    }
    ASSERT_EQ(queue_.size(), expected.size());
    ASSERT_EQ(queue_.front() ? queue_.front()->index : 99, expected.empty() ? 99 : expected.front());
    std::size_t i = 0;
    for (const Connection* c = queue_.front(); c; c = c->next, ++i) ASSERT_EQ(c->index, expected[i]);
    ASSERT_EQ(i, expected.size());
  }
}

}  // namespace
}  // namespace forklift::master
