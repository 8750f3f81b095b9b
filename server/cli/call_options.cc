#include "cli/call_options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

#include "base/quote.h"
#include "base/retry.h"
#include "base/unique_fd.h"
#include "config/settings_file.h"
#include "config/settings_path.h"
#include "config/units.h"

namespace forklift::cli {

namespace {

// Each takes eight bytes.
constexpr std::uint64_t kRepeatMax = 10'000'000;

Result<std::string> read_all(int fd) {
  std::string all;
  std::string piece(64 * 1024, '\0');
  while (true) {
    const ssize_t n = retry_interrupted([&] { return ::read(fd, piece.data(), piece.size()); });
    if (n < 0) return fail_errno("cannot be read");
    if (n == 0) return all;
    all.append(piece, 0, static_cast<std::size_t>(n));
  }
}

Result<std::string> read_data(const std::string& given) {
  if (!given.starts_with('@')) return given;
  const std::string path = given.substr(1);
  if (path == "-") return read_all(STDIN_FILENO).map_error([](const Error& e) { return e.in("standard input"); });
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail_errno(escape_controls(path));
  return read_all(file.get()).map_error([&](const Error& e) { return e.in(escape_controls(path)); });
}

// Where the value begins in `path=value`: behind the first `=` that stands in no quotes. npos if there is none.
std::size_t find_equals(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    if (text[i] == '=' && !is_quoted) return i;
  }
  return text.npos;
}

// Later ones come over earlier ones; a file takes the place of all before it.
Result<void> take_settings(const std::string& given, config::Settings& settings) {
  const std::size_t equals = find_equals(given);
  if (equals != given.npos) {
    const std::string_view path = std::string_view(given).substr(0, equals);
    auto set = config::set(settings, path, std::string_view(given).substr(equals + 1));
    return set.map_error([&](const Error& e) { return e.in(fmt::format("--settings {}", quote(given))); });
  }
  auto file = config::read_settings(given);
  if (!file) {
    std::string lines;
    for (const config::Finding& finding : file.error()) {
      lines += fmt::format("{}{}", lines.empty() ? "" : "\n", finding.to_string());
    }
    return Failure(Error(lines));
  }
  settings = std::move(*file);
  return {};
}

Result<std::uint64_t> parse_repeat(const std::string& text) {
  auto count = config::parse_count(text);
  if (!count) return fail("--repeat: {}", count.error().message());
  if (*count == 0 || *count > kRepeatMax) return fail("--repeat: {} is not 1 to {}", *count, kRepeatMax);
  return *count;
}

}  // namespace

Result<CallOptions> read_call(const Arguments& arguments) {
  CallOptions options;
  options.plugin = arguments.operand();
  options.request.uri = arguments.operands.back();
  if (arguments.operands.size() == 3) options.request.method = arguments.operands[1];
  options.request.headers = arguments.values("header");
  options.request.variables = arguments.values("env");
  options.include = arguments.has("include");
  if (const auto repeat = arguments.value("repeat")) {
    const auto count = parse_repeat(*repeat);
    if (!count) return Failure(count.error());
    options.repeat = *count;
  }
  if (const auto timeout = arguments.value("timeout")) {
    const auto duration = config::parse_duration(*timeout);
    if (!duration) return fail("--timeout: {}", duration.error().message());
    options.timeout = *duration;
  }
  for (const std::string& given : arguments.values("settings")) {
    if (auto taken = take_settings(given, options.settings); !taken) return Failure(taken.error());
  }
  if (const auto given = arguments.value("data")) {
    auto data = read_data(*given);
    if (!data) return fail("--data: {}", data.error().message());
    options.request.body = std::move(*data);
  }
  return options;
}

}  // namespace forklift::cli
