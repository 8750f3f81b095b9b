// The requests of a storm: each misbehaves in one way, or its plugin does, and has one right outcome.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/endpoint.h"
#include "harness/response.h"

namespace harness {

// What the client must have seen, where nobody else has meddled, and what the server's log has to say of it.
struct Right {
  enum class Outcome { kAnswered, kAborted, kUnseen };  // kUnseen: the client has left
  enum class Told {
    kNothing,
    kReason,    // a worker's line with the request and why it has this end
    kObituary,  // of the worker that had it
  };
  Outcome outcome = Outcome::kAnswered;
  int status = 200;
  Told told = Told::kNothing;
  std::optional<std::uint64_t> body_bytes{};  // what has no Content-Length could be half a page and look whole
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

const Visit& visit_named(std::string_view name);

// One of them, by their weights.
const Visit& draw_visit(std::uint32_t random);

}  // namespace harness
