#include "master/generation.h"

#include <algorithm>
#include <utility>

#include "config/scrub.h"
#include "ipc/message.h"

namespace forklift::master {

Generation::~Generation() {
  config::scrub(config);
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
