// What the same request gets from two servers, compared; and the differences that are known and have a reason.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "harness/response.h"

namespace harness {

// One thing that is not the same. Values are as people write them: `404 Not Found`, `"hello\n"`, `-` for a header that
// is not there.
struct Difference {
  std::string name;  // of the case
  std::string what;  // `end`, `status`, `header NAME` (in lower case) or `body`
  std::string judge;
  std::string ours;
  bool optional = false;  // a known one that need not show
};

std::ostream& operator<<(std::ostream& out, const Difference& difference);

// Compares how the response ended, its status and reason phrase, its headers and its body. Where the status is not the
// same, the rest belongs to another answer, and is not compared. Not looked at are headers that servers add as they
// like (Date, Server, those of the connection and of how a body is framed; Content-Length counts where both have one).
// With `is_servers_page` headers and body are not looked at either: each server has an error page of its own.
std::vector<Difference> compare(const std::string& name, const Response& judge, const Response& ours,
                                bool is_servers_page);

// Reads the file of known differences: lines of
//   CASE | WHAT | JUDGE | OURS | WHY
// where a `?` behind WHAT makes it optional, and `*` as JUDGE or OURS stands for any value. `#` begins a comment.
// Throws for a line that is none of these, and for one without a reason.
std::vector<Difference> read_known_differences(std::string_view text);
bool is_known_as(const Difference& found, const Difference& known);

}  // namespace harness
