// forklift/testing.hpp - unit tests of plugins, without the server, in C++17 and later
//
// A host that is none: it gives a plugin what a worker would, holds it to the contract of forklift/plugin.h as a worker
// does, and tells what came of it. It needs no test framework; GoogleTest, Catch2 or a plain main() do. The plugin may
// be written in any language.
//
//     #include <forklift/testing.hpp>
//
//     #include <cassert>
//
//     using namespace forklift::testing;
//
//     int main() {
//       // Linked into the test; Plugin::load("./shop.so", ...) opens a file. Settings are path=value.
//       Plugin plugin("title=Books", "shelves[0].id=a1");
//
//       // A page.
//       Response page = plugin.produce(Request("/shop?shelf=a1").header("Cookie", "id=7"));
//       assert(page.ok() && page.status == 200 && page.header("Content-Type") == "text/html; charset=utf-8");
//       assert(page.body.find("Books") != std::string::npos);
//
//       // A form.
//       Response form = plugin.produce(Request("POST", "/shop").body("n=1", "application/x-www-form-urlencoded"));
//       assert(form.status == 303 && form.header("Location") == "/shop");
//
//       // A client that breaks its upload off; one that leaves in the middle of the page; a slow one.
//       assert(plugin.produce(Request("POST", "/shop").body("n=1").body_breaks_off_after(2)).status == 400);
//       assert(plugin.produce(Request("/shop/all").client_leaves_after(100)).client_gone);
//       assert(plugin.produce(Request("POST", "/shop").body("n=1").body_in_pieces_of(1)).ok());
//
//       // Wrong use of the API is what it would be in the server: a 500, and a line in the log.
//       Response wrong = plugin.produce(Request("/wrong"));
//       assert(wrong.status == 500);
//       assert(wrong.log.back().text == "GET \"/wrong\" answered 500: begin was called after write");
//
//       // What was deferred has run by now, and what the plugin counts can be read.
//       assert(page.deferred == 1 && plugin.stat("pages") > 0);
//
//       // Settings that are refused.
//       Refused refused = refusal([] { Plugin again("title="); });
//       assert(refused.setting == "title" && refused.reason == "must not be empty");
//     }
//
//     c++ -std=c++17 -g -fsanitize=address,undefined -I plugin-api/include shop_test.cc shop.cc -o shop_test
//
// What is not here: processes. Nothing kills a produce() that hangs, nothing is confined, and exit() ends the test.
// timeouts.request is not kept, but for a wait() that nothing can end. limits.body and the checks of a request's
// head, which come before the plugin, are the server's own affair.
//
// Everything that ends with produce() (env, body and out, with all that they point to) is freed when it returns, and
// what ends with destroy() then: built with -fsanitize=address, a test stops at the line that uses a pointer which was
// kept too long. Deferred work runs behind that, so a lambda that refers to the request is found too.
//
// Of the services, forklift.defer/1 and forklift.stats/1 are there, with a worker's rules; a test gives the plugin
// others, or takes these away, by Host::service().
//
// forklift/testing/request.hpp has all that a request and its client can do, response.hpp what is recorded, host.hpp
// settings, services and the log. Tests of a part of a plugin use the tables alone: EnvTable, SettingsTable, HostTable.
#ifndef FORKLIFT_TESTING_HPP
#define FORKLIFT_TESTING_HPP

#include <forklift/plugin.h>

#include <forklift/testing/host.hpp>
#include <forklift/testing/plugin.hpp>
#include <forklift/testing/request.hpp>
#include <forklift/testing/response.hpp>
#include <forklift/testing/services.hpp>
#include <forklift/testing/settings.hpp>

#endif  // FORKLIFT_TESTING_HPP
