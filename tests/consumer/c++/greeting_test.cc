// The plugin without a server, linked into its test.
#include <cstdio>
#include <forklift/testing.hpp>

using namespace forklift::testing;

static int failures = 0;

static void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  ++failures;
}

int main() {
  Plugin plugin("name=you");
  const Response page = plugin.produce(Request("/"));
  expect(page.ok() && page.status == 200, "it answers");
  expect(page.header("Content-Type") == "text/plain", "with a text");
  expect(page.body.find("you") != std::string::npos, "that names whom the settings name");
  expect(refusal([] { Plugin other("nmae=you"); }).setting == "nmae", "it refuses what it does not know");
  return failures == 0 ? 0 : 1;
}
