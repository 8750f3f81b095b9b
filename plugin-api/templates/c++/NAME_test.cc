// Tests of the plugin without a server. forklift/testing.hpp has all that a client can do, well and badly.
#include <cstdio>
#include <forklift/testing.hpp>
#include <string>

using forklift::testing::Plugin;
using forklift::testing::Refused;
using forklift::testing::Request;
using forklift::testing::Response;

static int failures = 0;

#define EXPECT(condition)                                                                \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);     \
      ++failures;                                                                        \
    }                                                                                    \
  } while (false)

static void greets() {
  Plugin plugin("greeting=Salut");
  const Response page = plugin.produce(Request("/"));
  EXPECT(page.ok());
  EXPECT(page.status == 200);
  EXPECT(page.header("Content-Type") == "text/plain; charset=utf-8");
  EXPECT(page.body == "Salut, request 1 of this worker\n");
  EXPECT(plugin.produce(Request("/")).body == "Salut, request 2 of this worker\n");
}

static void knows_one_page() {
  Plugin plugin;
  EXPECT(plugin.produce(Request("/?a=b")).status == 200);
  EXPECT(plugin.produce(Request("/elsewhere")).status == 404);
}

static void refuses_an_empty_greeting() {
  std::string refused;
  try {
    Plugin plugin("greeting=");
  } catch (const Refused& e) {
    refused = e.setting.value_or("");
  }
  EXPECT(refused == "greeting");
}

int main() {
  greets();
  knows_one_page();
  refuses_an_empty_greeting();
  return failures == 0 ? 0 : 1;
}
