// Answers that are there before the request's body has been read: whole ones, through every front, every time.
#pragma once

#include <string>

#include "harness/behind_front.h"

namespace harness {

class EarlyAnswers : public BehindFront {
 protected:
  EarlyAnswers()
      : BehindFront({{.name = "hello", .plugin = plugin_file("hello"), .more = "limits: {body: 1}\n"},
                     {.name = "told", .plugin = fixture_file("answers_as_told")}}) {}

  // A hundred requests whose body is above the limit, and a hundred to a plugin that does not read it.
  void expect_hundred_of_each(std::uint64_t body_bytes) const {
    const Body body = repeated_body('x', body_bytes);
    for (int i = 0; i < 100; ++i) {
      const Response refused = ask(HttpRequest::post("/hello", body));
      ASSERT_TRUE(refused.complete(413)) << i << ": " << refused;
      const Response unread = ask(HttpRequest::post("/told", body).add("X-Answer", "401"));
      ASSERT_TRUE(unread.complete(401)) << i << ": " << unread;
      ASSERT_EQ(unread.body, "who are you?\n") << i;
    }
  }
};

}  // namespace harness
