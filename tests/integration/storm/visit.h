// The requests of a storm: each misbehaves in one way, or its plugin does, and has one right outcome.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "harness/endpoint.h"
#include "harness/response.h"

namespace harness {

// What the client must have seen, where nobody else has meddled.
struct Right {
  enum class Outcome { kAnswered, kAborted, kUnseen };  // kUnseen: the client has left
  Outcome outcome = Outcome::kAnswered;
  int status = 200;
};

// How many lines the access log has of it.
enum class Lines {
  kOwn,        // one, with the request's URI
  kNameless,   // one; no worker has read the URI
  kAtMostOne,  // none where the connection was gone before its head was read
  kNone,
};

struct Visit {
  std::string_view name;
  unsigned weight;
  Right right;
  Lines lines;
  Response (*make)(const Endpoint& endpoint, std::uint32_t id);  // the id is the request's URI: `/17`
};

std::span<const Visit> all_visits();

// One of them, by their weights.
const Visit& draw_visit(std::uint32_t random);

}  // namespace harness
