// forklift/testing.hpp is what the server is: what goes wrong with the client.
#include "conformance.h"

namespace forklift::worker {
namespace {

using End = Scene::End;

fake::Request post(const std::string& body) {
  return fake::Request("POST", "/x").body(body);
}

TEST_P(Conformance, a_body_that_arrives_in_pieces) {
  const Scene scene{.request = post("aabbc").body_in_pieces_of(2), .along = "aa", .pieces = {"bb", "c"}};
  expect_same(scene, [](Calls& c) {
    c.try_read(9), c.try_read(9), c.arrival(), c.try_read(1), c.try_read(9);
    c.wait(FORKLIFT_WAIT_BODY), c.arrival(), c.wait(FORKLIFT_WAIT_BODY), c.try_read(9), c.try_read(9);
    return c.begin(200);
  });
  expect_same(scene, [](Calls& c) {
    c.read(9), c.arrival(), c.read(9), c.arrival(), c.read(9), c.read(9);
    return c.begin(200);
  });
  expect_same(scene, [](Calls& c) {
    c.wait(FORKLIFT_WAIT_BODY, -1), c.read(9), c.arrival(), c.wait(FORKLIFT_WAIT_BODY, -1), c.read(1), c.read(1);
    c.wait(FORKLIFT_WAIT_BODY | FORKLIFT_WAIT_OUT, -1);
    return c.begin(200);
  });
}

TEST_P(Conformance, a_body_that_breaks_off) {
  for (const std::size_t count : {0U, 2U}) {
    const Scene scene{.request = post("abc").body_breaks_off_after(count),
                      .along = std::string("ab", count),
                      .end = End::kHalfCloses};
    expect_same(scene,
                [](Calls& c) { return c.read(1), c.read(9), c.read(9), c.try_read(9), c.read(0), c.begin(200); });
    expect_same(scene,
                [](Calls& c) { return c.try_read(9), c.wait(FORKLIFT_WAIT_BODY, -1), c.try_read(9), c.fail("x"), 3; });
    expect_same(scene, [](Calls& c) { return c.begin(200), c.write("never read"), 0; });
    expect_same(scene, [](Calls& c) { return c.begin(200), c.flush(), c.read(9), c.read(9), 0; });
    expect_same(scene, [](Calls& c) { return c.read(9), c.read(9), c.begin(200), c.begin(200), 0; });
    expect_same(scene,
                [](Calls& c) { return c.wait(FORKLIFT_WAIT_OUT | FORKLIFT_WAIT_GONE), c.read(9), c.begin(200); });
  }
}

TEST_P(Conformance, a_body_that_stalls) {
  for (const std::size_t count : {0U, 2U}) {
    const Scene scene{.request = post("abc").body_stalls_after(count), .along = std::string("ab", count)};
    expect_same(scene, [](Calls& c) { return c.read(1), c.read(9), c.read(9), c.try_read(9), c.begin(200); });
    expect_same(scene, [=](Calls& c) {
      if (count > 0) c.read(9);
      c.try_read(9), c.wait(FORKLIFT_WAIT_BODY), c.wait(FORKLIFT_WAIT_BODY, 2);
      c.wait(FORKLIFT_WAIT_BODY, -1), c.try_read(9);
      return c.begin(200);
    });
    expect_same(scene, [=](Calls& c) {
      if (count > 0) c.read(9);
      c.begin(200), c.flush(), c.wait(FORKLIFT_WAIT_BODY, -1);
      return 1;
    });
    expect_same(scene, [=](Calls& c) {
      if (count > 0) c.read(9);
      c.try_read(9), c.wait(0, 40), c.try_read(9);
      return c.begin(200);
    });
  }
}

// On a Unix socket a client that has closed has first ended its body; on TCP a reset says that it has gone.
TEST_P(Conformance, a_client_that_leaves_while_it_sends) {
  if (GetParam() == Kind::kUnix) return;
  const Scene scene{
      .request = post("abc").client_leaves_after_sending(2), .along = "ab", .pieces = {}, .end = End::kResets};
  expect_same(scene, [](Calls& c) { return c.read(9), c.read(9), c.try_read(9), c.begin(200); });
  expect_same(scene, [](Calls& c) { return c.read(9), c.begin(200), c.flush(), c.write("x"), 1; });
  expect_same(scene, [](Calls& c) { return c.read(9), c.wait(FORKLIFT_WAIT_BODY), c.try_read(9), c.fail("x"), 1; });
}

TEST_P(Conformance, a_client_that_has_left) {
  const Scene scene{.request = fake::Request("/x").client_leaves_after(0),
                    .end = GetParam() == Kind::kUnix ? End::kCloses : End::kResets};
  expect_same(scene, [](Calls& c) { return c.begin(200), c.write("into the buffer"), 0; });
  expect_same(scene, [](Calls& c) { return c.begin(200), c.flush(), c.write("x"), c.try_write("y"), c.flush(), 0; });
  expect_same(scene, [](Calls& c) { return c.begin(200), c.try_flush(), c.begin(200), c.write_raw(nullptr, 1), 2; });
  expect_same(scene, [](Calls& c) { return c.begin(200), c.fill(), c.write("x"), 0; });
  expect_same(scene, [](Calls& c) {
    return c.wait(0), c.wait(FORKLIFT_WAIT_OUT, -1), c.wait(FORKLIFT_WAIT_SENT | FORKLIFT_WAIT_GONE, -1),
           c.fail("mine"), 1;
  });
  // A failure, however it is told.
  expect_same(scene, [](Calls& c) -> int { c.wait(0), throw std::runtime_error("nobody is there"); });
  expect_same(scene, [](Calls& c) -> int { c.begin(200), c.wait(0), throw 42; });
  expect_same(scene, [](Calls& c) { return c.wait(0, -1), c.begin(200), 0; });
  expect_same(scene, [](Calls& c) { return c.write("no block"), 0; });
  expect_same(scene, [](Calls& c) { return c.begin(200), c.begin(200), 0; });
  expect_same(scene, [](Calls&) { return 9; });
}

TEST_P(Conformance, a_client_that_takes_nothing_more) {
  // So much goes into buffers on the way that it is not the same on both sides.
  const Scene scene{.request = fake::Request("/x").client_stalls_after(200'000), .narrow = true};
  const auto same_calls = [&](const Script& script) { expect_same_but_for_the_page(scene, script); };
  same_calls([](Calls& c) { return c.begin(200), c.fill(), c.fill_until_it_fails(FORKLIFT_WAIT_OUT), c.write("x"); });
  same_calls([](Calls& c) { return c.begin(200), c.fill(), c.fill_until_it_fails(FORKLIFT_WAIT_SENT), c.try_flush(); });
  same_calls([](Calls& c) { return c.begin(200), c.write(std::string(50'000'000, 'x')), c.write("y"), 0; });
}

}  // namespace
}  // namespace forklift::worker
