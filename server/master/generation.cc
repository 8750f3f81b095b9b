#include "master/generation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/quote.h"
#include "config/scrub.h"
#include "ipc/message.h"

namespace forklift::master {

namespace {

constexpr std::size_t kFactBytesMax = 64;  // as forklift_note has; a SHA-1 in hex is 40

}  // namespace

std::string PluginFacts::to_string() const {
  std::string text = name;
  if (!version.empty()) text += " " + version;
  if (!build_id.empty()) text += fmt::format("{}(build id {})", text.empty() ? "" : " ", build_id);
  return text;
}

PluginFacts to_plugin_facts(std::string_view said) {
  const auto take = [&] {
    const std::string_view fact = said.substr(0, said.find('\0'));
    said.remove_prefix(std::min(fact.size() + 1, said.size()));
    return escape(fact.substr(0, kFactBytesMax));
  };
  PluginFacts facts;
  facts.build_id = take();
  facts.name = take();
  facts.version = take();
  return facts;
}

Generation::~Generation() {
  config::scrub(config);
}

std::string describe_running(const Generation& generation) {
  const std::string plugin = generation.plugin.to_string();
  return fmt::format("generation {} is running{}{}", generation.number, plugin.empty() ? "" : ": ", plugin);
}

std::shared_ptr<Generation> Generations::make(config::App config, Identity identity, const Generation* before) {
  auto made = std::make_shared<Generation>();
  made->number = ++numbers_[config.name];
  made->config = std::move(config);
  made->identity = std::move(identity);
  made->lend_bytes = std::max(ipc::lend_bytes_max(made->config.limits.head), before ? before->lend_bytes : 0);
  std::erase_if(all_, [](const auto& generation) { return generation.expired(); });
  all_.push_back(made);
  return made;
}

void Generations::forget_all_but(const std::string& app) {
  for (const auto& known : all_) {
    const auto generation = known.lock();
    if (generation && generation->config.name != app) config::scrub(generation->config);
  }
}

}  // namespace forklift::master
