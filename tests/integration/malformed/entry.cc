#include "malformed/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "harness/files.h"
#include "malformed/byte_string.h"

namespace harness {
namespace {

// One `key: text`, with the lines that continue it.
struct Field {
  std::size_t line = 0;
  std::string key;
  std::string text;
};

// The pages of the fixture repeats_request; without a length where the response has begun before it was known.
std::string page(std::string_view body, Ending ending) {
  const std::string length = ending == Ending::kEof ? fmt::format("Content-Length: {}\r\n", body.size()) : "";
  return fmt::format("Status: 200 OK\r\nContent-Type: application/octet-stream\r\n{}\r\n{}", length, body);
}

// `400 Bad Request`: the page of the server's own for this status.
std::string canned(std::string_view status) {
  return fmt::format("Status: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}\n", status,
                     status.size() + 1, status);
}

// `warning refused with 400: ...` as it stands in the log.
std::string log_line(std::string_view text, std::string_view who) {
  const std::size_t blank = text.find(' ');
  if (blank == text.npos) throw std::runtime_error("expected a level and a message");
  return fmt::format("{:<7} {}: {}", text.substr(0, blank), who, text.substr(blank + 1));
}

class Reader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)), group_(std::filesystem::path(path_).stem()) {}

  std::vector<Entry> read() {
    std::istringstream text(read_file(path_));
    for (std::string line; std::getline(text, line);) {
      ++line_;
      if (line.starts_with('#')) continue;
      if (line.starts_with('[')) {
        finish_entry();
        if (!line.ends_with(']')) throw wrong(line_, "expected [NAME]");
        entries_.emplace_back().name = group_ + "/" + line.substr(1, line.size() - 2);
      } else if (line.starts_with(' ') && !fields_.empty()) {
        fields_.back().text += line.substr(line.find_first_not_of(' ') - 1);
      } else if (!line.empty()) {
        const std::size_t colon = line.find(": ");
        if (colon == line.npos || entries_.empty()) throw wrong(line_, "expected `key: text` below a [NAME]");
        fields_.push_back({line_, line.substr(0, colon), line.substr(colon + 2)});
      }
    }
    finish_entry();
    return std::move(entries_);
  }

 private:
  std::runtime_error wrong(std::size_t line, std::string_view what) const {
    return std::runtime_error(fmt::format("{}:{}: {}", path_, line, what));
  }

  void finish_entry() {
    // A page depends on how the connection ends, and a log line on the app, whichever key comes first.
    std::stable_sort(fields_.begin(), fields_.end(), [](const Field& a, const Field& b) { return rank(a) < rank(b); });
    bool has_answer = entries_.empty();
    for (const Field& field : fields_) {
      try {
        has_answer |= field.key == "answer" || field.key == "page";
        apply(field, entries_.back());
      } catch (const std::runtime_error& error) {
        throw wrong(field.line, error.what());
      }
    }
    if (!has_answer) throw wrong(line_, entries_.back().name + " has no answer");
    fields_.clear();
  }

  static int rank(const Field& field) { return field.key == "client" || field.key == "end" ? 0 : 1; }

  static void apply(const Field& field, Entry& entry) {
    using Client = Entry::Client;
    const std::string app = fmt::format("app \"{}\"", entry.client == Client::kHolds ? "held" : "quick");
    const std::string_view text = field.text;
    if (field.key == "send") {
      entry.bytes += read_byte_string(text);
    } else if (field.key == "head") {
      const std::string block = read_byte_string(text);
      entry.bytes += fmt::format("{}:{},", block.size(), block);
    } else if (field.key == "client" && text == "half-closes") {
      entry.client = Client::kHalfCloses;
    } else if (field.key == "client" && text == "closes") {
      entry.client = Client::kCloses;
    } else if (field.key == "client" && text == "holds") {
      entry.client = Client::kHolds;
    } else if (field.key == "end" && text == "reset") {
      entry.ending = Ending::kReset;
    } else if (field.key == "answer") {
      entry.answer = text == "nothing" ? "" : canned(text);
    } else if (field.key == "page") {
      entry.answer = page(read_byte_string(text), entry.ending);
    } else if (field.key == "master") {
      entry.lines.push_back(log_line(text, app));
    } else if (field.key == "worker") {
      entry.lines.push_back(log_line(text, app + " generation 1 worker PID"));
    } else {
      throw std::runtime_error(fmt::format("unknown: {}: {}", field.key, text));
    }
  }

  const std::string path_;
  const std::string group_;
  std::size_t line_ = 0;
  std::vector<Field> fields_;  // of the last entry
  std::vector<Entry> entries_;
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Entry& entry) {
  return out << entry.name;
}

std::vector<Entry> read_corpus(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".txt") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Entry> corpus;
  std::set<std::string> names;
  for (const std::string& file : files) {
    for (Entry& entry : Reader(file).read()) {
      if (!names.insert(entry.name).second) throw std::runtime_error(entry.name + " is there twice");
      corpus.push_back(std::move(entry));
    }
  }
  return corpus;
}

}  // namespace harness
