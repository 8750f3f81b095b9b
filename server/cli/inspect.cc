#include "cli/inspect.h"

#include <fmt/format.h>
#include <forklift/plugin.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "base/quote.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "plugin/elf.h"
#include "plugin/library.h"
#include "plugin/needed.h"
#include "plugin/regular_file.h"

namespace forklift::cli {

namespace {

using plugin::ElfInfo;
using plugin::NeededLibrary;

struct Plugin {
  std::string path;
  ElfInfo elf;
  std::vector<NeededLibrary> libraries;
};

// Whether this server takes it; nothing where only loading it would tell.
struct Verdict {
  std::optional<bool> accepted;
  std::string reason;
};

Verdict judge(const ElfInfo& elf) {
  if (!elf.is_loadable) return {false, fmt::format("it is for {}", elf.machine)};
  if (!elf.has_entry) {
    return {false, elf.other_entry.empty() ? fmt::format("it exports no {}", FORKLIFT_ENTRY_SYMBOL)
                                           : fmt::format("it exports {}, and this server calls {}",
                                                         escape(elf.other_entry), FORKLIFT_ENTRY_SYMBOL)};
  }
  if (!elf.note) return {std::nullopt, "it has no note with its versions"};
  if (auto fits = plugin::check_note(*elf.note); !fits) return {false, fits.error().message()};
  return {true, {}};
}

Result<Plugin> look_at(const std::string& path) {
  const std::string shown = escape_controls(path);
  const auto file = plugin::open_regular_file(path);
  if (!file) return Failure(file.error());
  auto elf = plugin::read_elf(file->get());
  if (!elf) return fail("{} {}", shown, elf.error().message());
  if (!elf->note && !elf->has_entry && elf->other_entry.empty()) {
    return fail("{} is no plugin: it exports no {} and has no note", shown, FORKLIFT_ENTRY_SYMBOL);
  }
  auto libraries = plugin::find_libraries(path, *elf, plugin::loader_folders());
  return Plugin{path, std::move(*elf), std::move(libraries)};
}

// ---- for people ----

constexpr std::string_view kNothing = "-";

std::string shown(const std::string& text) {
  return text.empty() ? std::string(kNothing) : escape(text);
}

std::string show(const NeededLibrary& library) {
  const std::string name = escape(library.name);
  if (library.path.empty()) return fmt::format("{}: not found", name);
  return fmt::format("{}: {}{}", name, escape(library.path),
                     library.is_systems ? "" : ", outside the system's folders: replace it by rename");
}

std::string show(const Verdict& verdict) {
  if (verdict.accepted == true) return "yes";
  return fmt::format("{}: {}", verdict.accepted ? "no" : "not known", verdict.reason);
}

void add_list(std::string& text, std::string_view what, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) text += fmt::format("{:<13}{}\n", i == 0 ? what : "", lines[i]);
  if (lines.empty()) text += fmt::format("{:<13}{}\n", what, kNothing);
}

std::string text_of(const Plugin& plugin) {
  const ElfInfo& elf = plugin.elf;
  const auto note = elf.note.value_or(plugin::Note{});
  std::string text;
  const auto add = [&](std::string_view what, const std::string& value) { add_list(text, what, {value}); };
  add("name", shown(note.name));
  add("version", shown(note.plugin_version));
  add("API", elf.note ? fmt::format("{}.{}", note.major, note.minor) : std::string(kNothing));
  add("accepted", show(judge(elf)));
  add("machine", elf.machine);
  add("entry", elf.has_entry ? FORKLIFT_ENTRY_SYMBOL : shown(elf.other_entry));
  add("build id", shown(elf.build_id));
  add("SONAME", shown(elf.soname));
  std::vector<std::string> lines;
  for (const std::string& folder : elf.runpath) lines.push_back(escape(folder));
  add_list(text, "RUNPATH", lines);
  lines.clear();
  for (const NeededLibrary& library : plugin.libraries) lines.push_back(show(library));
  add_list(text, "libraries", lines);
  return text;
}

// ---- for programs ----

std::string quoted(std::string_view text) {
  return fmt::format("\"{}\"", json_escape(text));
}

std::string quoted_or_null(std::string_view text) {
  return text.empty() ? "null" : quoted(text);
}

template <typename Items, typename Show>
std::string list_of(const Items& items, const Show& show) {
  std::string list;
  for (const auto& item : items) list += (list.empty() ? "" : ",") + show(item);
  return fmt::format("[{}]", list);
}

std::string json_of(const Plugin& plugin) {
  const ElfInfo& elf = plugin.elf;
  const Verdict verdict = judge(elf);
  std::string name = "null", version = "null", api = "null";
  if (elf.note) {
    name = quoted(elf.note->name);
    version = quoted(elf.note->plugin_version);
    api = fmt::format(R"({{"major":{},"minor":{}}})", elf.note->major, elf.note->minor);
  }
  const std::string accepted = verdict.accepted ? fmt::format("{}", *verdict.accepted) : "null";
  const std::string runpath = list_of(elf.runpath, [](const std::string& folder) { return quoted(folder); });
  const std::string libraries = list_of(plugin.libraries, [](const NeededLibrary& library) {
    return fmt::format(R"({{"name":{},"path":{},"system":{}}})", quoted(library.name), quoted_or_null(library.path),
                       library.is_systems);
  });
  return fmt::format(R"({{"file":{},"name":{},"version":{},"api":{},"accepted":{},"reason":{},"machine":{},"entry":{},)"
                     R"("build_id":{},"soname":{},"runpath":{},"libraries":{}}})"
                     "\n",
                     quoted(plugin.path), name, version, api, accepted, quoted_or_null(verdict.reason),
                     quoted(elf.machine), quoted_or_null(elf.has_entry ? FORKLIFT_ENTRY_SYMBOL : elf.other_entry),
                     quoted_or_null(elf.build_id), quoted_or_null(elf.soname), runpath, libraries);
}

}  // namespace

Result<std::string> describe_plugin(const std::string& path, bool json) {
  return look_at(path).map([&](const Plugin& plugin) { return json ? json_of(plugin) : text_of(plugin); });
}

int inspect(const std::string& path, bool json) {
  const auto description = describe_plugin(path, json);
  if (!description) {
    complain(fmt::format("forklift: {}\n", description.error().message()));
    return kFailed;
  }
  return tell(*description);
}

}  // namespace forklift::cli
