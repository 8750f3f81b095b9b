// The corpus of forms, in pieces of every size; corpus/README.md says how it is written.
#include <gmock/gmock.h>
#include <forklift/web/form.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "malformed/byte_string.h"
#include "request.h"

namespace web_test {
namespace {

using namespace forklift::web;

struct Entry {
  std::string name;  // FILE/NAME
  std::string type = "multipart/form-data; boundary=b";
  std::string bytes;
  std::string outcome;  // the lines of `is`
};

void apply(const std::string& key, const std::string& text, Entry& entry) {
  if (key == "type") {
    entry.type = text;
  } else if (key == "body") {
    entry.bytes += harness::read_byte_string(text);
  } else if (key == "is") {
    entry.outcome += text + "\n";
  } else if (!key.empty()) {
    throw std::runtime_error(entry.name + ": unknown: " + key);
  }
}

void read_file(const std::filesystem::path& path, std::vector<Entry>& entries) {
  std::ifstream file(path);
  std::string key;
  std::string text;
  const auto end_key = [&] {
    if (!key.empty()) apply(key, text, entries.back());
    key.clear();
  };
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() == ' ') {
      text += line;
      continue;
    }
    end_key();
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      entries.emplace_back().name = path.stem().string() + "/" + line.substr(1, line.find(']') - 1);
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos || entries.empty()) throw std::runtime_error(path.string() + ": " + line);
    key = line.substr(0, colon);
    text = line.substr(std::min(colon + 2, line.size()));
  }
  end_key();
}

std::vector<Entry> read_corpus() {
  std::vector<Entry> entries;
  for (const auto& file : std::filesystem::directory_iterator(CORPUS)) {
    if (file.path().extension() == ".txt") read_file(file.path(), entries);
  }
  return entries;
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    static constexpr char kDigits[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\0') {
      result += "\\0";
    } else if (c == '\r') {
      result += "\\r";
    } else if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      result += {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + "\"";
}

class Recorder : public FileSink {
 public:
  void begin(const Part& part, const Fields&) override {
    lines += "file " + in_quotes(part.name) + " " + in_quotes(part.filename.value()) + " " +
             in_quotes(part.content_type) + " ";
  }
  void data(std::string_view piece) override {
    EXPECT_FALSE(piece.empty());
    content_ += piece;
  }
  void end() override {
    lines += in_quotes(content_) + "\n";
    content_.clear();
  }

  std::string lines;

 private:
  std::string content_;
};

constexpr FormLimits kLimits{5, 20, 60, 2, 30, 200};

// What is made of a body, in the words of the corpus. Files are listed behind all fields.
std::string outcome(const Entry& entry, Arriving& arriving) {
  const Variables variables{{"CONTENT_TYPE", entry.type}};
  forklift::Body body(&arriving);
  Recorder files;
  std::string lines;
  const std::string refusal = refusal_of([&] {
    for (const auto& [name, value] : read_form(forklift::Env(&variables), body, files, kLimits)) {
      lines += "field " + in_quotes(name) + " " + in_quotes(value) + "\n";
    }
  });
  if (refusal != "fine") return refusal + "\n";
  lines += files.lines;
  return lines.empty() ? "nothing\n" : lines;
}

class WebCorpus : public testing::Test {
 protected:
  const std::vector<Entry> entries_ = read_corpus();
};

TEST_F(WebCorpus, IsThere) {
  EXPECT_GT(entries_.size(), 100u);
}

TEST_F(WebCorpus, MeansWhatItSays) {
  for (const Entry& entry : entries_) {
    Arriving whole(entry.bytes);
    EXPECT_EQ(outcome(entry, whole), entry.outcome) << entry.name;
  }
}

TEST_F(WebCorpus, MeansTheSameByteByByte) {
  for (const Entry& entry : entries_) {
    Arriving arriving(entry.bytes);
    arriving.first = arriving.piece = 1;
    EXPECT_EQ(outcome(entry, arriving), entry.outcome) << entry.name;
  }
}

TEST_F(WebCorpus, MeansTheSameInTwoPiecesDividedAnywhere) {
  for (const Entry& entry : entries_) {
    for (std::size_t at = 1; at < entry.bytes.size(); ++at) {
      Arriving arriving(entry.bytes);
      arriving.first = at;
      EXPECT_EQ(outcome(entry, arriving), entry.outcome) << entry.name << " divided at " << at;
    }
  }
}

// With a Content-Length that is right, so that nobody else notices.
TEST_F(WebCorpus, CutOffAnywhereIsRefusedOrTheSameForm) {
  for (const Entry& entry : entries_) {
    const bool is_refused = entry.outcome.front() == '4';
    if (entry.type.find("ultipart/") == std::string::npos || is_refused) continue;
    for (std::size_t size = 0; size < entry.bytes.size(); ++size) {
      Arriving arriving(std::string_view(entry.bytes).substr(0, size));
      const std::string cut = outcome(entry, arriving);
      if (cut != "400 the form ends before its last boundary\n") {
        EXPECT_EQ(cut, entry.outcome) << entry.name << " cut off at " << size;
      }
    }
  }
}

TEST_F(WebCorpus, ThatBreaksOffIsAnErrorOfTheBody) {
  for (const Entry& entry : entries_) {
    if (entry.outcome.front() == '4') continue;
    for (std::size_t size = 0; size < entry.bytes.size(); ++size) {
      Arriving arriving(entry.bytes);
      arriving.arriving = size;
      try {
        ADD_FAILURE() << entry.name << " that breaks off at " << size << " is " << outcome(entry, arriving);
      } catch (const forklift::Error& error) {
        EXPECT_EQ(error.code(), FORKLIFT_ESHORT);
      }
    }
  }
}

}  // namespace
}  // namespace web_test
