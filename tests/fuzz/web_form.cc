// What forklift/web.hpp reads. Each input is a body of multipart/form-data with the boundary "b", one whose
// Content-Type is its first line, a body of application/x-www-form-urlencoded, a cookie header, the name of a file, and
// a target of a redirect.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <forklift/web.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "invariant.h"
#include "unit/plugin_api/web/request.h"

namespace forklift::fuzz {
namespace {

using web_test::Arriving;
using web_test::refusal_of;

constexpr web::FormLimits kLimits{8, 64, 200, 3, 100, 300};

class Recorder : public web::FileSink {
 public:
  void begin(const web::Part& part, const web::Fields&) override {
    require(!is_open_, "a file begins in another one");
    is_open_ = true;
    told += "[" + part.name + "|" + part.filename.value() + "|" + part.content_type + "|";
  }
  void data(std::string_view piece) override {
    require(is_open_ && !piece.empty(), "data of no file, or none");
    told += piece;
  }
  void end() override {
    require(is_open_, "an end of no file");
    is_open_ = false;
    told += "]";
  }

  std::string told;

 private:
  bool is_open_ = false;
};

bool same(const web::Fields& a, const web::Fields& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// What a form may have does not depend on how it is written.
void try_urlencoded(const web::Fields& fields) {
  const web_test::Variables variables{{"CONTENT_TYPE", "application/x-www-form-urlencoded"}};
  const std::string query = web::to_query(fields);
  Arriving arriving(query);
  Body body(&arriving);
  const std::string refusal = refusal_of(
      [&] { require(same(web::read_form(Env(&variables), body, kLimits), fields), "urlencoded it is another form"); });
  require(refusal == "fine", "urlencoded it is refused");
}

// All that is made of a body which arrives in pieces.
std::string read(const std::string& type, Arriving& arriving) {
  const web_test::Variables variables{{"CONTENT_TYPE", type}};
  Body body(&arriving);
  Recorder files;
  std::size_t text_bytes = 0;
  const std::string refusal = refusal_of([&] {
    const web::Fields fields = web::read_form(Env(&variables), body, files, kLimits);
    require(fields.size() <= kLimits.fields, "too many fields");
    for (const auto& [name, value] : fields) {
      require(value.size() <= kLimits.field_bytes, "a field is too long");
      text_bytes += name.size() + value.size();
      files.told += "(" + name + "|" + value + ")";
    }
    require(text_bytes <= kLimits.text_bytes, "too much text");
    try_urlencoded(fields);
  });
  if (refusal == "fine") return files.told;
  require_reason(refusal);
  return refusal;
}

void try_body(const std::string& type, std::string_view bytes) {
  Arriving whole(bytes);
  const std::string told = read(type, whole);
  Arriving bytewise(bytes);
  bytewise.first = bytewise.piece = 1;
  require(read(type, bytewise) == told, "byte by byte it is another form");
  Arriving halved(bytes);
  halved.first = bytes.size() / 2 + 1;
  halved.piece = 7;
  require(read(type, halved) == told, "in pieces it is another form");
}

void try_query(std::string_view bytes) {
  require(web::decode_url(web::encode_url(bytes)) == bytes, "encoded, decoded, and another text");
  refusal_of([&] {
    const web::Fields fields = web::parse_urlencoded(bytes, 100);
    if (fields.size() == 1 && fields.begin()->first.empty() && fields.begin()->second.empty()) return;
    require(same(web::parse_urlencoded(web::to_query(fields), 100), fields), "a query that was written is another one");
  });
}

void try_cookies(std::string_view bytes) {
  for (const auto& [name, value] : web::parse_cookies(bytes)) {
    require(!name.empty(), "a cookie without a name");
    try {
      const std::string header = web::SetCookie(name, value).text();
      require(header.find_first_of("\r\n") == header.npos, "a cookie ends its header");
      const web::Fields again = web::parse_cookies(header.substr(0, header.find(';')));
      require(again.size() == 1 && again[name] == value, "a cookie that was set is another one");
    } catch (const std::invalid_argument&) {
    }
  }
}

void try_filename(std::string_view bytes) {
  const std::string name = web::safe_filename(bytes);
  require(!name.empty() && name.size() <= 200, "a filename of no or many bytes");
  require(name != "." && name != ".." && name.find_first_of("/\\") == name.npos, "a filename is a path");
  require(std::none_of(name.begin(), name.end(), web::detail::is_control), "a filename has control characters");
  require(web::safe_filename(name) == name, "a safe filename is not safe");
}

void try_target(std::string_view bytes) {
  const std::string target = web::local_target(bytes, "/fallback");
  require(target == "/fallback" || target == bytes, "a target that is neither of the two");
  require(target.front() == '/' && target.substr(0, 2) != "//" && target.substr(0, 2) != "/\\", "another host");
  require(std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; }),
          "odd bytes in a target");
}

}  // namespace
}  // namespace forklift::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace forklift::fuzz;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_body("multipart/form-data; boundary=b", bytes);
  try_body("application/x-www-form-urlencoded", bytes);
  const std::size_t line = std::min(bytes.find('\n'), bytes.size());
  try_body(std::string(bytes.substr(0, line)), bytes.substr(std::min(line + 1, bytes.size())));
  try_query(bytes);
  try_cookies(bytes);
  try_filename(bytes);
  try_target(bytes);
  return 0;
}
