#include "config/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/checks.h"
#include "config/document.h"
#include "config/paths.h"
#include "config/scrub.h"
#include "config/value.h"

namespace forklift::config {

namespace {

Result<std::string> slurp(const std::string& path) {
  // O_NONBLOCK: to open a FIFO would wait for somebody to write.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno("cannot be opened");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot be examined");
  if (S_ISDIR(status.st_mode)) return fail("is a directory; name the YAML file in it");
  if (!S_ISREG(status.st_mode)) return fail("is not a regular file");

  // One byte more than allowed is enough for the parser to refuse it, whatever the size is by then.
  std::string text(std::min(static_cast<std::size_t>(status.st_size), kFileBytesMax) + 1, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + filled, text.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot be read");
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  text.resize(filled);
  return text;
}

// A frame of its own, which is part of what Traceless wipes.
__attribute__((noinline)) tl::expected<Config, Findings> read_traced(const std::string& path) {
  const auto text = slurp(path);
  if (!text) return tl::unexpected(Findings{{{path, 0, 0}, text.error().message()}});
  return read_text(*text, path);
}

// In the order of the file, each once: what stands behind an anchor is read again wherever an alias names it.
void tidy(Findings& findings) {
  std::set<std::string> seen;
  std::erase_if(findings, [&](const Finding& finding) { return !seen.insert(finding.to_string()).second; });
  std::ranges::stable_sort(
      findings, {}, [](const Finding& finding) { return std::pair(finding.position.line, finding.position.column); });
}

}  // namespace

std::string Finding::to_string() const {
  return fmt::format("{}: {}", position.to_string(), message);
}

tl::expected<Config, Findings> read_text(std::string_view text, const std::string& path) {
  Reading reading;
  reading.file = path;
  reading.config.file = real_path(path);
  reading.folder = std::filesystem::path(reading.config.file).parent_path().string();
  reading.config.runtime_dir = default_runtime_dir(reading.config.file, ::geteuid(), std::getenv("XDG_RUNTIME_DIR"));

  const auto document = parse_document(text, reading.file, reading.findings);
  if (!document) return tl::unexpected(std::move(reading.findings));
  if (document->kind == Node::Kind::kMap) {
    read_keys(reading, *document, "");
    std::ranges::move(check_apps(reading.config.apps), std::back_inserter(reading.findings));
  } else {
    reading.complain(document->mark, "must be a map of keys; write \"apps:\" and the apps below it");
  }
  if (reading.findings.empty()) return std::move(reading.config);
  tidy(reading.findings);
  return tl::unexpected(std::move(reading.findings));
}

tl::expected<Config, Findings> read_file(const std::string& path) {
  const Traceless nothing_stays;
  return read_traced(path);
}

}  // namespace forklift::config
