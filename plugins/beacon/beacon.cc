// Takes what browsers report (navigator.sendBeacon(), Content-Security-Policy's report-to) and appends it to a file,
// one line of JSON each:
//
//     {"time":1764291600,"from":"192.0.2.7","page":"https://example.org/","report":"{\"error\":\"x is undefined\"}"}
//
// Nobody waits for the disk: the browser has its 204 when the line is written, and made durable. What is counted stands
// in `forklift status`.
//
//     settings: { file: /var/log/reports.json, limit: 64K }
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <forklift/defer.hpp>
#include <forklift/plugin.hpp>
#include <forklift/stats.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

// `name` and the text as a member of a JSON object (RFC 8259, section 7). Bytes that are no UTF-8 stay what they are.
void append_member(std::string& line, std::string_view name, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  line.append(",\"").append(name).append("\":\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line.append("\\u00").append(1, kHex[byte / 16]).append(1, kHex[byte % 16]);
    } else {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
  }
  line += '"';
}

[[noreturn]] void fail(const std::string& doing) {
  throw std::runtime_error(doing + ": " + std::strerror(errno));
}

class Beacon : public forklift::Plugin {
 public:
  explicit Beacon(const forklift::Host& host)
      : file_(host.settings().text("file")),
        limit_(static_cast<std::uint64_t>(host.settings().bytes("limit", 64 << 10))),
        defer_(host),
        reports_(host, "reports", "reports that were taken"),
        refused_(host, "refused", "requests that were no report, or too large"),
        written_bytes_(host, "written_bytes", "bytes that are in the file for good"),
        lost_(host, "lost", "reports that could not be written; the log says why"),
        writing_(host, "writing", "workers that wait for the disk just now") {
    host.settings().only({"file", "limit"});
    ::close(open_file());  // so that a path that is wrong is known at once
  }

  void produce(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    if (env["REQUEST_METHOD"] != "POST") {
      refused_.add();
      return out.begin(405, {{"Allow", "POST"}});
    }
    if (body.length() > limit_) {
      refused_.add();
      return out.begin(413);
    }
    std::string line = "{\"time\":" + std::to_string(std::time(nullptr));
    append_member(line, "from", env["REMOTE_ADDR"]);
    append_member(line, "page", env["HTTP_REFERER"]);
    append_member(line, "report", body.read_all(limit_));
    line += "}\n";
    out.begin(204);
    reports_.add();
    defer_.after_response([this, line = std::move(line)] { write(line); });
  }

 private:
  // Anew for each report: who rotates it renames it.
  int open_file() const {
    const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) fail("opening " + file_);
    return fd;
  }

  // Whether the last line has no end: the disk was full, for this worker or another.
  static bool is_torn(int fd) {
    struct stat status {};
    char last = '\n';
    return ::fstat(fd, &status) == 0 && status.st_size > 0 && ::pread(fd, &last, 1, status.st_size - 1) == 1 &&
           last != '\n';
  }

  // One write(2) behind O_APPEND: lines of several workers don't mix.
  void write(std::string line) const {
    writing_.set(1);
    try {
      const int fd = open_file();
      if (is_torn(fd)) line.insert(line.begin(), '\n');
      const ssize_t count = ::write(fd, line.data(), line.size());
      const bool durable = count == static_cast<ssize_t>(line.size()) && (::fdatasync(fd) == 0 || errno == EINVAL);
      const int code = count < 0 || count == static_cast<ssize_t>(line.size()) ? errno : ENOSPC;
      ::close(fd);
      errno = code;
      if (!durable) fail("writing " + file_);
      written_bytes_.add(count);
    } catch (...) {
      lost_.add();
      writing_.set(0);
      throw;  // to the log
    }
    writing_.set(0);
  }

  const std::string file_;
  const std::uint64_t limit_;
  const forklift::Defer defer_;
  const forklift::Counter reports_, refused_, written_bytes_, lost_;
  const forklift::Gauge writing_;
};

}  // namespace

FORKLIFT_PLUGIN_CLASS(Beacon, "beacon", "1.0");
