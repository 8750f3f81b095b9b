// Runs CGI/1.1 programs (RFC 3875): see README.md beside this file.
//
//     exchange    a request and a program, brought together
//     program     a running program; keeper: the process that ends it, whatever happens
//     mounts      which program, by the request's path
//     environment, head, lines, spool: the pieces
#include <forklift/plugin.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "environment.h"
#include "exchange.h"
#include "mounts.h"
#include "program.h"
#include "refusal.h"
#include "request.h"
#include "settings.h"
#include "text.h"

namespace cgi {
namespace {

constexpr int kRedirectionsMax = 10;

const char* phrase_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Internal Server Error";
  }
}

void answer(forklift::Out& out, int status) {
  out.begin(status, {{"Content-Type", "text/plain; charset=utf-8"}});
  out.write(std::to_string(status) + " " + phrase_of(status) + "\n");
}

// Of a missing page, everybody who follows a dead link tells.
forklift::Level level_of(int status) {
  if (status >= 500) return forklift::Level::kError;
  return status == 404 ? forklift::Level::kInfo : forklift::Level::kWarning;
}

}  // namespace

class Cgi : public forklift::Plugin {
 public:
  explicit Cgi(const forklift::Host& host) : host_(host), settings_(read_settings(host.settings())) {
    for (const std::string& name : settings_.absent) {
      host.log(forklift::Level::kWarning,
               "settings.pass: the worker's environment, which is the app's `environment`, has no " + quote(name));
    }
  }

  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    try {
      Request request = read_request(env);
      Target target = find_program(settings_, request);
      auto redirection = run(request, target, env, &body, out);
      for (int count = 1; redirection; ++count) {
        if (count > kRedirectionsMax) {
          throw Refusal(500, "more local redirections than " + std::to_string(kRedirectionsMax));
        }
        follow(*redirection, request, target);
        out.alive();  // the next program has its whole time
        redirection = run(request, target, env, nullptr, out);
      }
    } catch (const Refusal& refusal) {
      host_.log(level_of(refusal.status()), std::string(env["REQUEST_METHOD"]) + " " + quote(env["REQUEST_URI"], 200) +
                                                " answered " + std::to_string(refusal.status()) + ": " +
                                                refusal.what());
      answer(out, refusal.status());
    }
  }

 private:
  // Returns the path of a local redirection, if that is what the program says.
  std::optional<std::string> run(const Request& request, const Target& target, const forklift::Env& env,
                                 forklift::Body* body, forklift::Out& out) {
    const std::string name = quote(target.file, 200);
    Program program({.file = target.file,
                     .interpreter = target.interpreter,
                     .environment = build_environment(env, request, target, settings_,
                                                      body ? std::optional(body->length()) : std::nullopt)},
                    body != nullptr && body->length() > 0, settings_.grace);
    const bool wants_page = request.method != "HEAD";
    return Exchange(settings_, host_, name, program, body, wants_page, out).run();
  }

  // Makes of a request, which the program of `target` has answered with a local redirection, the next. Where that leads
  // nowhere, it is the program's fault and not the client's.
  void follow(const std::string& location, Request& request, Target& target) const {
    const std::string by =
        quote(target.file, 200) + ": its local redirection (RFC 3875, 6.2.2) to " + quote(location, 200);
    try {
      request = redirect(request, location);
    } catch (const Refusal& refusal) {
      throw Refusal(500, by + ": " + refusal.what());
    }
    if (!has_mount(settings_, request)) {
      throw Refusal(
          500,
          by + " leads to no mount: \"Status: 302 Found\" with it, or a URL with scheme and host, is for the client");
    }
    try {
      target = find_program(settings_, request);
    } catch (const Refusal& refusal) {
      throw Refusal(refusal.status(), by + ": " + refusal.what());
    }
  }

  const forklift::Host& host_;
  const Settings settings_;
};

}  // namespace cgi

FORKLIFT_PLUGIN_CLASS(cgi::Cgi, "cgi", "1.0");
