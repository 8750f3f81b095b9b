// The points of a request at which a worker can die, the manners in which it does, and what the client must get then.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "harness/response.h"
#include "harness/site.h"
#include "harness/stop_point.h"

namespace harness {

enum class Point {
  kTaken,   // produce() begins
  kHalf,    // half of the body is read, the other half has arrived
  kBefore,  // the response is begun and buffered, nothing of it is sent
  kFirst,   // head and first byte are sent
  kLast,    // the whole page is sent, produce() has not returned
  kDone,    // the connection is shut down, DONE is not said
};

enum class Manner { kKilled, kSegv, kAbort, kExit };

struct Death {
  Point point;
  Manner manner;
  bool declares_length;  // the page has a Content-Length; matters where something was sent

  // As the fixture stops_where_told calls it.
  std::string_view point_name() const;

  // Makes it happen to a worker of `server` that stands still at the point.
  void befall(Stopped& worker, const Server& server) const;

  // What the log says of the worker, and of its request.
  std::string_view obituary() const;
  std::string_view consequence() const;

  // Whether the client has got what it must get: exactly one outcome is right for each point on a direct road. nginx
  // passes what it knows to be incomplete as 502, or breaks off, depending on how far it was.
  bool explains(const Response& response, Road road) const;
};

std::ostream& operator<<(std::ostream& out, const Death& death);

std::vector<Death> all_deaths();

}  // namespace harness
