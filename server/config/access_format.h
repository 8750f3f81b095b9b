// What a line of an access log is made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace forklift::config {

// What is known of a request when it has ended. The names in a format string, and in JSON, are the words of the
// comments.
enum class AccessField {
  kTime,         // time: when it ended, as 2026-11-25T10:00:00.123Z
  kClfTime,      // clf_time: the same as 25/Nov/2026:10:00:00 +0000
  kApp,          // app
  kGeneration,   // generation: of the worker; 0 if none took it
  kPid,          // pid: of the worker; 0 if none took it
  kRemoteAddr,   // remote_addr: REMOTE_ADDR, as the front server says
  kRemoteUser,   // remote_user
  kMethod,       // method
  kUri,          // uri
  kProtocol,     // protocol: SERVER_PROTOCOL
  kStatus,       // status: as sent; 499 if the client left before anything was, 0 if only the plugin knows
  kBytes,        // bytes: of the response's body, that went out to the client
  kReferer,      // referer
  kUserAgent,    // user_agent
  kEnding,       // ending: complete, aborted
  kSeconds,      // seconds: from accept to the end, 0.012345
  kWaitSeconds,  // wait_seconds: of them, in the queue
};

struct AccessPiece {
  std::string text;  // written as it is, in front of the field
  bool has_field = false;
  AccessField field = AccessField::kTime;

  bool operator==(const AccessPiece&) const = default;
};

struct AccessFormat {
  bool json = false;                // one object a line with all fields; `pieces` is empty
  std::vector<AccessPiece> pieces;  // else

  // `combined` (the format of Apache and nginx), `json`, or a text with fields as `$status` or `${status}`; `$$` is a
  // dollar sign. An unknown field is an error that names it and what there is, and so is a line break.
  static Result<AccessFormat> parse(std::string_view text);
  static AccessFormat combined();

  // The text that parses to this.
  std::string to_string() const;
  bool operator==(const AccessFormat&) const = default;
};

// `status`.
std::string_view to_string(AccessField field);

}  // namespace forklift::config
