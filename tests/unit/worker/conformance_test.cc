// forklift/testing.hpp is what the server is: call by call, with a client that does what it should. (What goes wrong
// with the client: conformance_client_test.)
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <thread>

#include "conformance.h"

namespace forklift::worker {
namespace {

// Also for the tests of this name in the files beside this one.
INSTANTIATE_TEST_SUITE_P(over, Conformance, ::testing::Values(Kind::kUnix, Kind::kTcp), kind_name);

constexpr char kBlock[] = "Content-Type: text/plain\n\n";

TEST_P(Conformance, pages) {
  expect_same([](Calls& c) { return c.write(std::string(kBlock) + "page"); });
  expect_same([](Calls& c) { return c.begin(200, {{"Content-Type", "text/plain"}}), c.write("page"), 0; });
  expect_same([](Calls& c) { return c.begin(404), 0; });
  expect_same([](Calls& c) { return c.begin(599, {{"X-Tab", "a\tb"}, {"X", ""}, {"X", "again"}}), 0; });
  expect_same([](Calls& c) {
    for (const char byte : std::string("Status: 404 Nowhere\r\nX: y\r\n\r\npage")) c.write({&byte, 1});
    return 0;
  });
  expect_same([](Calls& c) { return c.try_write("Location: /there\n\n"), 0; });
  expect_same([](Calls& c) { return c.write("Connection: close\nA:b\n\nx"), 0; });
}

TEST_P(Conformance, large_pages) {
  for (const std::size_t size : {65'535U, 65'536U, 65'537U}) {
    expect_same([size](Calls& c) { return c.write(kBlock), c.write(std::string(size, 'x')), 0; });
  }
  expect_same([](Calls& c) {
    c.write(kBlock);
    c.try_write(std::string(60'000, 'a'));
    c.try_write(std::string(60'000, 'b'));
    c.wait(FORKLIFT_WAIT_OUT);
    return c.flush();
  });
}

TEST_P(Conformance, flushes) {
  expect_same([](Calls& c) { return c.begin(200), c.flush(), c.write("a"), c.try_flush(), c.write("b"), c.flush(); });
  expect_same([](Calls& c) { return c.write(kBlock), c.flush(), 0; });
  expect_same([](Calls& c) { return c.begin(200, {{"Content-Length", "2"}}), c.flush(), c.write("ab"), c.flush(); });
  expect_same(
      [](Calls& c) { return c.begin(200), c.wait(FORKLIFT_WAIT_SENT), c.flush(), c.wait(FORKLIFT_WAIT_SENT), 0; });
}

TEST_P(Conformance, responses_without_a_body) {
  for (const char* method : {"GET", "HEAD"}) {
    for (const int status : {200, 204, 304}) {
      expect_same([=](Calls& c) { return c.begin(status), c.write("dropped"), 0; }, method);
      expect_same([=](Calls& c) { return c.begin(status), 0; }, method);
      expect_same([=](Calls& c) { return c.begin(status, {{"Content-Length", "3"}}), c.write("dropped"), 0; }, method);
      expect_same([=](Calls& c) { return c.begin(status, {{"Content-Length", "3"}}), c.flush(); }, method);
    }
  }
  expect_same([](Calls& c) { return c.begin(200), c.begin(200); }, "HEAD");
}

TEST_P(Conformance, promises_of_a_length) {
  const auto promise = [](const char* length) { return std::vector<forklift_header>{{"content-length", length}}; };
  expect_same([&](Calls& c) { return c.begin(200, promise("3")), c.write("abc"), 0; });
  expect_same([&](Calls& c) { return c.begin(200, promise("3")), c.write("ab"), 0; });
  expect_same([&](Calls& c) { return c.begin(200, promise("3")), c.write("abcd"), c.write("e"), 0; });
  expect_same([&](Calls& c) { return c.begin(200, promise("3")), c.write("ab"), c.flush(), c.try_write("cd"), 0; });
  expect_same([&](Calls& c) { return c.begin(200, promise("3")), c.write("ab"), c.flush(), 0; });
  expect_same([](Calls& c) { return c.write("Content-Length: 1\n\nab"), 0; });
  for (const char* wrong : {"", "-1", "1.5", "+3", " 3", "18446744073709551615", "99999999999999999999", "3, 3"}) {
    expect_same([&](Calls& c) { return c.begin(200, promise(wrong)); });
  }
}

TEST_P(Conformance, calls_in_the_wrong_order) {
  expect_same([](Calls& c) { return c.begin(200), c.begin(404), c.write("x"), c.flush(), 0; });
  expect_same([](Calls& c) { return c.write(kBlock), c.begin(200), 0; });
  expect_same([](Calls& c) { return c.write("Content-"), c.begin(200), c.write("Type: a\n\n"), 0; });
  expect_same([](Calls& c) { return c.write("no block"), c.flush(), 0; });
  expect_same([](Calls& c) { return c.flush(), c.begin(200), 0; });
  expect_same([](Calls& c) { return c.try_flush(), 0; });
  expect_same([](Calls& c) { return c.begin(200), c.flush(), c.begin(200), 0; });
}

TEST_P(Conformance, heads_that_are_wrong) {
  for (const int status : {0, 100, 199, 600, -1}) {
    expect_same([=](Calls& c) { return c.begin(status), 0; });
  }
  const std::vector<forklift_header> headers[] = {{{"X", "a\r\nSet-Cookie: b"}},
                                                  {{"X", "a\nb"}},
                                                  {{"X", "a\x7f"}},
                                                  {{"X Y", "a"}},
                                                  {{"", "a"}},
                                                  {{"X:", "a"}},
                                                  {{"\xc3\xa9", "a"}},
                                                  {{"Status", "200"}},
                                                  {{"STATUS", "200"}},
                                                  {{"connection", "close"}},
                                                  {{"Transfer-Encoding", "chunked"}},
                                                  {{"Content-Length", "1"}, {"content-length", "1"}},
                                                  {{nullptr, "a"}},
                                                  {{"X", nullptr}},
                                                  {{"X", std::string_view("\"quoted\\\"\x01\xff\xe2\x80\xae").data()}}};
  for (const auto& wrong : headers) {
    expect_same([&](Calls& c) { return c.begin(200, wrong), c.write("x"), 0; });
  }
  expect_same([](Calls& c) { return c.begin(200, std::vector<forklift_header>(200, {"X", "y"})); });
  expect_same([](Calls& c) { return c.begin(200, std::vector<forklift_header>(201, {"X", "y"})); });
  expect_same([](Calls& c) { return c.begin(200, {{"X", std::string(5000, 'y').c_str()}}); });
}

TEST_P(Conformance, header_blocks_that_are_wrong) {
  for (const char* block : {"\nx",
                            "\r\nx",
                            "HTTP/1.1 200 OK\nA: b\n\n",
                            "A: b\n folded\n\n",
                            "A b\n\n",
                            ": b\n\n",
                            "A : b\n\n",
                            "A\t: b\n\n",
                            "Status: 200\nStatus: 200\n\n",
                            "Status: 20\n\n",
                            "Status: 2000\n\n",
                            "Status: 2x0\n\n",
                            "Status: 099\n\n",
                            "Status: 200 a\x01\n\n",
                            "A: b\rc\n\n",
                            "A\xff: b\n\n",
                            "Transfer-Encoding: chunked\n\n",
                            "Content-Length: x\n\n",
                            "Content-Length: 1\nContent-Length: 1\n\nx",
                            "this is a page and no header block",
                            "A: b\n",
                            "A: b\r\n\r"}) {
    expect_same([=](Calls& c) { return c.write(block), c.write("more"), 0; });
  }
  expect_same([](Calls& c) { return c.write(std::string("A: a\0b\n\n", 8)), 0; });
  expect_same([](Calls& c) { return c.write(std::string(65'537, 'x')), 0; });
  expect_same([](Calls& c) { return c.write(std::string(65'536, 'x')), c.write("y"), 0; });
  std::string many;
  for (int i = 0; i < 201; ++i) many += "X: y\n";
  expect_same([&](Calls& c) { return c.write(many + "\n"), 0; });
}

TEST_P(Conformance, arguments_that_are_wrong) {
  const char byte = 0;
  constexpr auto kMinusOne = static_cast<std::size_t>(-1);
  expect_same([&](Calls& c) { return c.begin(200), c.write_raw(&byte, kMinusOne), c.write("x"), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.try_write_raw(&byte, kMinusOne), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.write_raw(nullptr, 1), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.try_write_raw(nullptr, 1), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.write_raw(nullptr, 0), c.try_write_raw(nullptr, 0), 0; });
  // No header of it is looked at, as AddressSanitizer would see: the array has one.
  const auto one = std::make_unique<forklift_header>(forklift_header{"X", "y"});
  for (const std::size_t count : {kMinusOne, std::size_t{201}}) {
    expect_same([&](Calls& c) { return c.begin_raw(one.get(), count), c.write("x"), 0; });
  }
  expect_same([&](Calls& c) { return c.begin_raw(nullptr, kMinusOne); });
  expect_same([&](Calls& c) { return c.wait(64), c.begin(200), 0; });
  expect_same([&](Calls& c) {
    std::vector<forklift_poll> polls(65, {-1, 0, 0});
    return c.wait(0, polls, 0), 0;
  });
  expect_same_with_body("abc", [&](Calls& c) {
    char room[10];
    c.read_raw(nullptr, 1), c.read_raw(room, kMinusOne), c.read_raw(nullptr, 0), c.read(10);
    return c.begin(200);
  });
}

TEST_P(Conformance, results_of_produce) {
  expect_same([](Calls&) { return 0; });
  expect_same([](Calls&) { return 7; });
  expect_same([](Calls& c) { return c.fail("first"), c.fail("the \x1b[31mreason\n"), -5; });
  expect_same([](Calls& c) { return c.fail(std::string(5000, 'r').c_str()), 1; });
  expect_same([](Calls& c) { return c.fail("not counted"), c.begin(200), 0; });
  expect_same([](Calls& c) { return c.begin(200), c.write("half"), c.flush(), 1; });
  expect_same([](Calls& c) { return c.fail(nullptr), c.alive(), 1; });
}

TEST_P(Conformance, exceptions) {
  expect_same([](Calls& c) -> int { c.begin(200), throw std::runtime_error("out of \"stock\"\n"); });
  expect_same([](Calls& c) -> int { c.begin(200), c.flush(), throw std::runtime_error("late"); });
  expect_same([](Calls&) -> int { throw 42; });
}

TEST_P(Conformance, deferred_work) {
  const auto letter = [](const char* text) { return [text](After& after) { after.trace += text; }; };
  expect_same([&](Calls& c) { return c.put_off(letter("a")), c.begin(200), c.put_off(letter("b")), 0; });
  // However the request ends.
  expect_same([&](Calls& c) { return c.put_off(letter("a")), 1; });
  expect_same([&](Calls& c) { return c.put_off(letter("a")), c.begin(200), c.begin(200), 0; });
  expect_same([&](Calls& c) -> int { c.put_off(letter("a")), throw std::runtime_error("no"); });
  // As much as there may be, and NULL, neither of which touches the request.
  expect_same([&](Calls& c) {
    for (int i = 0; i < FORKLIFT_DEFER_MAX + 2; ++i) c.put_off(letter("a"));
    return c.begin(200);
  });
  expect_same([&](Calls& c) { return c.put_off_raw(nullptr), c.put_off(letter("a")), c.begin(200); });
  // From elsewhere.
  expect_same([&](Calls& c) {
    std::thread([&] { c.put_off(letter("a")); }).join();
    return c.begin(200);
  });
  expect_same([](Calls& c) {
    c.put_off([](After& after) {
      const int result = after.defer->after_response(
          after.defer, [](void*) {}, nullptr);
      after.trace += std::to_string(result);
    });
    return c.begin(200);
  });
  // What it throws does not keep the next one from its turn.
  expect_same([&](Calls& c) {
    c.put_off([](After&) { throw std::runtime_error("out of \"stock\"\n"); });
    c.put_off([](After&) { throw 42; });
    c.put_off(letter("a"));
    return c.begin(200);
  });
}

TEST_P(Conformance, files) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  ASSERT_EQ(std::fwrite("0123456789", 1, 10, file.get()), 10U);
  ASSERT_EQ(std::fflush(file.get()), 0);
  const int fd = fileno(file.get());
  expect_same([&](Calls& c) { return c.begin(200), c.send_file(fd, 2, 5), c.send_file(fd, 0, 0), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.send_file(fd, 5, 6), c.write("x"), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.send_file(-1, 0, 1), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.flush(), c.send_file(fd, 5, 6), 0; });
  expect_same([&](Calls& c) { return c.begin(200), c.begin(200), c.send_file(-1, 0, 1), c.send_file(fd, 0, 0), 0; });
  expect_same([&](Calls& c) { return c.send_file(fd, 0, 10), 0; });
}

TEST_P(Conformance, variables) {
  const Scene scene{.request = fake::Request("/a%20b?c=d")
                                   .header("Cookie", "a=1")
                                   .header("Cookie", "b=2")
                                   .header("X-Two", "1")
                                   .header("x-two", "2")
                                   .variable("EMPTY", "")};
  expect_same(scene, [](Calls& c) {
    for (std::size_t i = 0; i < c.env()->count; ++i) {
      const forklift_variable& each = c.env()->variables[i];
      c.note_text(std::string(each.name, each.name_size) + "=" + std::string(each.value, each.value_size));
    }
    for (const char* name : {"REQUEST_URI", "request_uri", "EMPTY", "NONE", "HTTP_COOKIE", ""}) {
      std::size_t size = 99;
      const char* value = c.env()->get(c.env(), name, &size);
      c.note(value == nullptr ? "(none)" : value, size);
    }
    c.note("NULL", c.env()->get(c.env(), nullptr, nullptr) == nullptr);
    return c.begin(200);
  });
}

TEST_P(Conformance, bodies) {
  for (const std::string& body : {std::string(), std::string("abcdef"), std::string(1000, 'b')}) {
    expect_same_with_body(body, [](Calls& c) {
      c.note("length", c.body()->length);
      c.read(0), c.read(2), c.try_read(100), c.read(10'000), c.read(1), c.try_read(1);
      return c.begin(200);
    });
    expect_same_with_body(body, [](Calls& c) { return c.begin(200), c.write("unread"), 0; });
    expect_same_with_body(body, [](Calls& c) {
      c.wait(FORKLIFT_WAIT_BODY), c.wait(FORKLIFT_WAIT_BODY | FORKLIFT_WAIT_OUT | FORKLIFT_WAIT_SENT, -1), c.wait(0);
      c.read(10'000), c.wait(FORKLIFT_WAIT_BODY, -1);
      return c.begin(200);
    });
  }
}

TEST_P(Conformance, descriptors_of_the_plugins_own) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd out(ends[0]);
  const UniqueFd in(ends[1]);
  std::vector<forklift_poll> polls = {{-1, POLLIN, 7}, {out.get(), POLLIN, 7}, {in.get(), 0, 7}};
  expect_same([&](Calls& c) { return c.wait(0, polls, 0), c.wait(0, polls, 5), c.wait(0, 5), c.begin(200); });
  ASSERT_EQ(::write(in.get(), "x", 1), 1);
  expect_same([&](Calls& c) { return c.wait(0, polls, -1), c.wait(FORKLIFT_WAIT_OUT, polls, -1), c.begin(200); });
}

}  // namespace
}  // namespace forklift::worker
