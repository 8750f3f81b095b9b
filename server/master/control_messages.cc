#include "master/control_messages.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <initializer_list>
#include <sstream>
#include <utility>

#include "base/quote.h"

namespace forklift::master {

namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;
using Command = ControlRequest::Command;

constexpr std::pair<std::string_view, Command> kCommands[] = {{"status", Command::kStatus},
                                                              {"stop", Command::kStop},
                                                              {"reload", Command::kReload},
                                                              {"restart", Command::kRestart}};

std::optional<Command> find_command(std::string_view name) {
  for (const auto& [known, command] : kCommands) {
    if (known == name) return command;
  }
  return std::nullopt;
}

// nullopt: it is not there. Throws what Poco throws where it is no text.
std::optional<std::string> text_of(const Object& object, const std::string& name) {
  if (!object.has(name)) return std::nullopt;
  if (!object.get(name).isString()) throw Poco::DataFormatException("\"" + name + "\" is no text");
  return object.getValue<std::string>(name);
}

Result<ControlRequest> to_request(const Object& object) {
  const auto name = text_of(object, "command");
  if (!name) return fail("the request names no command");
  const auto command = find_command(*name);
  if (!command) return fail("unknown command {}; there are status, stop, reload, restart", quote(*name, 60));
  ControlRequest request{.command = *command, .app = text_of(object, "app")};
  const bool takes_app = *command == Command::kReload || *command == Command::kRestart;
  if (request.app && !takes_app) return fail("{} takes no app", *name);
  if (!request.app && *command == Command::kRestart) return fail("restart needs an app");
  return request;
}

std::string to_line(const Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

Object event(const char* name) {
  Object made(Poco::JSON_PRESERVE_KEY_ORDER);
  made.set("event", std::string(name));
  return made;
}

Array texts(const std::vector<std::string>& lines) {
  Array made;
  for (const std::string& line : lines) made.add(escape_controls(line));
  return made;
}

}  // namespace

Result<ControlRequest> parse_control_request(std::string_view line) {
  try {
    Poco::JSON::Parser parser;  // bounds the depth itself
    const Poco::Dynamic::Var value = parser.parse(std::string(line));
    if (value.type() != typeid(Object::Ptr)) return fail("the request is no JSON object");
    return to_request(*value.extract<Object::Ptr>());
  } catch (const std::exception&) {
    return fail("the request is no JSON object with texts: {}", quote(line, 60));
  }
}

std::string stopping_event() {
  return to_line(event("stopping"));
}

std::string waiting_event() {
  return to_line(event("waiting"));
}

std::string error_event(std::string_view text) {
  Object made = event("error");
  made.set("text", escape_controls(text));
  return to_line(made);
}

std::string progress_event(std::string_view app, std::string_view text) {
  Object made = event("progress");
  made.set("app", escape_controls(app));
  made.set("text", escape_controls(text));
  return to_line(made);
}

std::string finished_event(const ReloadResult& result) {
  Array apps;
  for (const AppReload& app : result.apps) {
    Object one(Poco::JSON_PRESERVE_KEY_ORDER);
    one.set("app", escape_controls(app.app));
    one.set("outcome", std::string(app.outcome));
    one.set("generation", app.generation);
    one.set("plugin_version", app.plugin.version);
    one.set("build_id", app.plugin.build_id);
    one.set("reason", escape_controls(app.reason));
    apps.add(one);
  }
  Object made = event("finished");
  made.set("ok", result.ok);
  made.set("apps", apps);
  made.set("problems", texts(result.problems));
  made.set("notes", texts(result.notes));
  return to_line(made);
}

}  // namespace forklift::master
