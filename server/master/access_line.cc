#include "master/access_line.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <optional>

#include "base/quote.h"

namespace forklift::master {

namespace {

using config::AccessField;

// The value of a field that is a text, and only of those; raw.
std::optional<std::string_view> text_of(AccessField field, const AccessRecord& record) {
  switch (field) {
    case AccessField::kApp: return record.app;
    case AccessField::kRemoteAddr: return record.request.remote_addr;
    case AccessField::kRemoteUser: return record.request.remote_user;
    case AccessField::kMethod: return record.request.method;
    case AccessField::kUri: return record.request.uri;
    case AccessField::kProtocol: return record.request.protocol;
    case AccessField::kReferer: return record.request.referer;
    case AccessField::kUserAgent: return record.request.user_agent;
    case AccessField::kEnding: return record.complete ? "complete" : "aborted";
    default: return std::nullopt;
  }
}

void append_seconds(std::string& out, Duration duration) {
  fmt::format_to(std::back_inserter(out), "{:.6f}", std::chrono::duration<double>(duration).count());
}

bool is_time(AccessField field) {
  return field == AccessField::kTime || field == AccessField::kClfTime;
}

// A time or a number: what needs no escaping.
void append_plain(std::string& out, AccessField field, const AccessRecord& record) {
  const auto append = [&out](const auto& value) { fmt::format_to(std::back_inserter(out), "{}", value); };
  switch (field) {
    case AccessField::kTime: return append_iso_time(out, record.time);
    case AccessField::kClfTime: return append_clf_time(out, record.time);
    case AccessField::kGeneration: return append(record.generation);
    case AccessField::kPid: return append(record.worker);
    case AccessField::kStatus: return append(record.status);
    case AccessField::kBytes: return append(record.bytes);
    case AccessField::kSeconds: return append_seconds(out, record.took);
    case AccessField::kWaitSeconds: return append_seconds(out, record.waited);
    default: return;
  }
}

void append_text_field(std::string& out, AccessField field, const AccessRecord& record) {
  const auto text = text_of(field, record);
  if (!text) return append_plain(out, field, record);
  if (text->empty()) {
    out += '-';
  } else {
    append_escaped(out, *text);
  }
}

void append_json_field(std::string& out, AccessField field, const AccessRecord& record) {
  const auto text = text_of(field, record);
  const bool is_string = text || is_time(field);
  fmt::format_to(std::back_inserter(out), "\"{}\":", to_string(field));
  if (is_string) out += '"';
  if (text) {
    append_json_escaped(out, *text);
  } else {
    append_plain(out, field, record);
  }
  if (is_string) out += '"';
}

void append_json(std::string& out, const AccessRecord& record) {
  // All but the time in the other notation.
  constexpr std::array kFields = {
      AccessField::kTime,       AccessField::kApp,        AccessField::kGeneration, AccessField::kPid,
      AccessField::kRemoteAddr, AccessField::kRemoteUser, AccessField::kMethod,     AccessField::kUri,
      AccessField::kProtocol,   AccessField::kStatus,     AccessField::kBytes,      AccessField::kReferer,
      AccessField::kUserAgent,  AccessField::kEnding,     AccessField::kSeconds,    AccessField::kWaitSeconds};
  char separator = '{';
  for (const AccessField field : kFields) {
    out += separator;
    append_json_field(out, field, record);
    separator = ',';
  }
  out += '}';
}

}  // namespace

void append_access_line(std::string& out, const config::AccessFormat& format, const AccessRecord& record) {
  if (format.json) append_json(out, record);
  for (const config::AccessPiece& piece : format.pieces) {
    out += piece.text;
    if (piece.has_field) append_text_field(out, piece.field, record);
  }
  out += '\n';
}

}  // namespace forklift::master
