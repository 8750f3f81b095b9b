// forklift/web.hpp - what most web applications need, in C++17 and later; optional
//
//     #include <forklift/web.hpp>
//
//     namespace web = forklift::web;
//
//     class Greeter : public web::WebPlugin {
//      public:
//       void serve(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
//         if (web::allow(env, "GET, POST") == "POST") {
//           const web::Fields form = web::read_form(env, body);
//           if (form["name"].size() > 100) throw web::Refusal(413, "that is no name");
//           const std::string cookie = web::SetCookie("name", web::encode_url(form["name"])).text();
//           return web::redirect(out, "/greet", web::Moved::kSeeOther, {{"Set-Cookie", cookie}});
//         }
//         const std::string name = web::cookie(env, "name").value_or("");
//         out.begin(200, {{"Content-Type", "text/html; charset=utf-8"}});
//         out.write("<p>Hello, " + web::html(name) + "</p>\n");
//         out.write("<form method=post><input name=name><button>That is my name</button></form>\n");
//       }
//     };
//
//     FORKLIFT_PLUGIN_CLASS(Greeter, "greeter", "1.0");
//
//     c++ -std=c++17 -shared -fPIC -fvisibility=hidden -I plugin-api/include greeter.cc -o greeter.so
//
// Header-only, without a library, and included by no other header of the API; like all of them it lives inside the
// plugin. Each part can be included by itself. What a client sends wrong is a Refusal, which carries its answer (400,
// 405, 413, 414, 415); what an author does wrong is a std::invalid_argument; a body that breaks off is forklift::Error,
// as always. Everything has limits, with defaults that suit most.
//
// JSON is apart, in forklift/web/json.hpp: it takes Poco.
#ifndef FORKLIFT_WEB_HPP
#define FORKLIFT_WEB_HPP

#include <forklift/web/cookies.hpp>
#include <forklift/web/escape.hpp>
#include <forklift/web/form.hpp>
#include <forklift/web/multipart.hpp>
#include <forklift/web/query.hpp>
#include <forklift/web/redirect.hpp>
#include <forklift/web/refusal.hpp>
#include <forklift/web/upload.hpp>
#include <forklift/web/url.hpp>

#endif  // FORKLIFT_WEB_HPP
