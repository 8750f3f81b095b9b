#include "kill/death.h"

#include <csignal>
#include <ostream>

namespace harness {

std::string_view Death::point_name() const {
  switch (point) {
    case Point::kTaken:
      return "taken";
    case Point::kHalf:
      return "half";
    case Point::kBefore:
      return "before";
    case Point::kFirst:
      return "first";
    case Point::kLast:
      return "last";
    case Point::kDone:
      return "done";
  }
  return "?";
}

void Death::befall(Stopped& worker, const Server& server) const {
  switch (manner) {
    case Manner::kKilled:
      return server.signal_worker(worker.pid(), SIGKILL);
    case Manner::kSegv:
      return worker.raise_segv();
    case Manner::kAbort:
      return worker.call_abort();
    case Manner::kExit:
      return worker.call_exit();
  }
}

std::string_view Death::obituary() const {
  switch (manner) {
    case Manner::kKilled:
      return "died of signal 9 (Killed)";
    case Manner::kSegv:
      return "died of signal 11 (Segmentation fault)";
    case Manner::kAbort:
      return "died of signal 6 (Aborted)";
    case Manner::kExit:
      return "exited with status 0";
  }
  return "?";
}

std::string_view Death::consequence() const {
  if (point < Point::kFirst) return "; answered 502";
  return point == Point::kDone ? "; the response was complete" : "so the connection is aborted";
}

bool Death::explains(const Response& response, Road road) const {
  const bool whole_page = writer_of_whole_page(response) != 0;
  const bool ended_cleanly = response.ending == Ending::kEof;
  const bool answered_502 = response.complete(502) && ended_cleanly && response.header("Content-Length");
  const bool broken_off = response.outcome == Outcome::kAborted && response.status == 200;
  const bool nginx = is_behind_nginx(road);
  switch (point) {
    case Point::kTaken:
    case Point::kHalf:
    case Point::kBefore:
      return answered_502;
    case Point::kFirst:
      return nginx ? answered_502 || broken_off : broken_off && response.body_bytes == 1;
    case Point::kLast:
      // Nobody can tell a whole page by its length from one whose worker has lived a moment longer.
      if (declares_length) return whole_page || (nginx && (answered_502 || broken_off));
      return nginx ? answered_502 || broken_off : broken_off && response.body_bytes == 2000;
    case Point::kDone:
      return whole_page && ended_cleanly;
  }
  return false;
}

std::ostream& operator<<(std::ostream& out, const Death& death) {
  return out << death.obituary() << " at \"" << death.point_name() << "\""
             << (death.declares_length ? " of a page with its length" : "");
}

std::vector<Death> all_deaths() {
  std::vector<Death> deaths;
  for (const Manner manner : {Manner::kKilled, Manner::kSegv, Manner::kAbort, Manner::kExit}) {
    for (const Point point : {Point::kTaken, Point::kHalf, Point::kBefore, Point::kFirst, Point::kLast, Point::kDone}) {
      deaths.push_back({point, manner, false});
      if (point >= Point::kFirst) deaths.push_back({point, manner, true});
    }
  }
  return deaths;
}

}  // namespace harness
