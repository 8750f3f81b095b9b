// forklift/web/form.hpp - forms that were sent as a request's body; part of forklift/web.hpp
//
//     // folder_: an UploadFolder, which the plugin's constructor has made.
//     Form form = forklift::web::read_form(env, body, folder_);
//     const std::string_view title = form.fields["title"];
//     for (UploadedFile& file : form.files) file.save_as(...);
//
// Both of a browser's encodings are taken, application/x-www-form-urlencoded and multipart/form-data; a body without
// bytes and type is an empty form, everything else a Refusal 415. Files go to their folder, or to a sink of the
// author's own, while the body comes: memory holds the texts (urlencoded, also as they were sent) and 64 KB. Limits are
// 413, malformed bytes 400. A body that breaks off is an Error of Body::read().
#ifndef FORKLIFT_WEB_FORM_HPP
#define FORKLIFT_WEB_FORM_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <forklift/request.hpp>
#include <forklift/web/detail/text.hpp>
#include <forklift/web/multipart.hpp>
#include <forklift/web/query.hpp>
#include <forklift/web/refusal.hpp>
#include <forklift/web/upload.hpp>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forklift {
inline namespace api {
namespace web {

// Whatever stands here, the app's limits.body is the most that a whole body may have; uploads mostly take a larger one
// than its 16M.
struct FormLimits {
  std::size_t fields = 1000;             // that are no files
  std::size_t field_bytes = 64 * 1024;   // of one field's value
  std::size_t text_bytes = 1024 * 1024;  // of all fields' names and values, decoded: what is kept in memory
  std::size_t files = 20;
  std::uint64_t file_bytes = std::numeric_limits<std::uint64_t>::max();  // of one file
  std::size_t head_bytes = 8 * 1024;                                     // of one part's headers, names included
};

// Takes files as they come: begin, data any number of times, end. What its functions throw ends the reading: a Refusal,
// for instance, of a file whose type or sender is not wanted.
class FileSink {
 public:
  virtual ~FileSink() = default;

  // `part.filename` is there. `before`: the fields that came before the file, such as a token that has to be right.
  virtual void begin(const Part& part, const Fields& before) = 0;
  virtual void data(std::string_view piece) = 0;  // not empty; lives during the call
  virtual void end() = 0;
};

struct Form {
  Fields fields;
  std::vector<UploadedFile> files;  // in order; inputs of a form where no file was chosen are left out
};

namespace detail {

[[noreturn]] inline void refuse_more(const char* what) {
  throw Refusal(413, std::string("the form has ") + what + " than this page takes");
}

// The texts of a form, whichever way they were sent: collected, and counted.
class FormTexts {
 public:
  explicit FormTexts(const FormLimits& limits) : limits_(limits) {}

  // The next field; its value may come in pieces, and its name ends it.
  void begin() {
    if (fields_.size() == limits_.fields) refuse_more("more fields");
    value_.clear();
  }
  void add(std::string_view piece) {
    if (piece.size() > limits_.field_bytes - value_.size()) refuse_more("a longer field");
    add_to_total(piece.size());
    value_.append(piece);
  }
  void end(std::string name) {
    add_to_total(name.size());
    fields_.add(std::move(name), std::move(value_));
  }

  const Fields& fields() const { return fields_; }
  Fields take() { return std::move(fields_); }

 private:
  void add_to_total(std::size_t bytes) {
    if (bytes > limits_.text_bytes - total_) refuse_more("more text");
    total_ += bytes;
  }

  const FormLimits& limits_;
  Fields fields_;
  std::string value_;      // of the field that comes, so far
  std::size_t total_ = 0;  // bytes of names and values
};

// The parts of a form: texts are collected, files handed on; both counted.
class FormReader final : public MultipartHandler {
 public:
  // Without a sink a file is refused.
  FormReader(const FormLimits& limits, FileSink* sink) : limits_(limits), sink_(sink), texts_(limits) {}

  void begin(const Part& part) override {
    if (parts_ >= limits_.fields && parts_ - limits_.fields >= limits_.files) refuse_more("more parts");
    ++parts_;
    part_ = part;
    file_size_ = 0;
    is_begun_ = false;
    if (!is_file()) return texts_.begin();
    if (!part_.filename->empty()) begin_file();
  }

  void data(std::string_view piece) override {
    if (!is_file()) return texts_.add(piece);
    if (!is_begun_) begin_file();  // no name, but a content
    if (piece.size() > limits_.file_bytes - file_size_) refuse_more("a larger file");
    file_size_ += piece.size();
    sink_->data(piece);
  }

  void end() override {
    if (is_begun_) return sink_->end();
    if (is_file()) return;  // an input where no file was chosen
    texts_.end(std::move(part_.name));
  }

  Fields take_fields() { return texts_.take(); }

 private:
  bool is_file() const { return part_.filename.has_value(); }

  void begin_file() {
    if (sink_ == nullptr) throw Refusal(400, "this page takes no files");
    if (files_++ == limits_.files) refuse_more("more files");
    is_begun_ = true;
    sink_->begin(part_, texts_.fields());
  }

  const FormLimits& limits_;
  FileSink* const sink_;
  FormTexts texts_;
  std::size_t parts_ = 0;
  std::size_t files_ = 0;

  Part part_;  // the one that comes, and below what it is so far
  std::uint64_t file_size_ = 0;
  bool is_begun_ = false;  // a file, which the sink knows of
};

// Files into an UploadFolder.
class FolderSink final : public FileSink {
 public:
  explicit FolderSink(const UploadFolder& folder) : folder_(folder) {}

  void begin(const Part& part, const Fields&) override { files_.push_back(folder_.make_file(part)); }
  void data(std::string_view piece) override { files_.back().write(piece); }
  void end() override { files_.back().rewind(); }

  std::vector<UploadedFile> take_files() { return std::move(files_); }

 private:
  const UploadFolder& folder_;
  std::vector<UploadedFile> files_;
};

inline Fields read_urlencoded(Body& body, const FormLimits& limits) {
  // What nobody encodes a form of this size with: three bytes for each of its texts, and a "=" and a "&" for each
  // field.
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max() / 8;
  const std::size_t most = 3 * std::min(limits.text_bytes, kMost) + 2 * std::min(limits.fields, kMost);
  if (body.length() > most) refuse_more("more text");
  FormTexts texts(limits);
  each_urlencoded(body.read_all(most), [&](std::string_view name, std::string_view value) {
    texts.begin();
    texts.add(percent_decoded(value, true));
    texts.end(percent_decoded(name, true));
  });
  return texts.take();
}

inline Fields read_form(const Env& env, Body& body, FileSink* sink, const FormLimits& limits) {
  const std::string_view type = env["CONTENT_TYPE"];
  if (type.empty() && body.length() == 0) return {};
  std::string_view rest = type;
  const std::string_view media_type = trimmed(take_until(rest, ';'));
  if (same_without_case(media_type, "application/x-www-form-urlencoded")) return read_urlencoded(body, limits);
  if (!same_without_case(media_type, "multipart/form-data")) throw Refusal(415, "the body is not a form");

  FormReader reader(limits, sink);
  MultipartParser parser(type, limits.head_bytes, reader);
  constexpr std::size_t kPiece = 64 * 1024;
  const std::unique_ptr<char[]> buffer(new char[kPiece]);
  while (const std::size_t count = body.read(buffer.get(), kPiece)) parser.feed({buffer.get(), count});
  parser.finish();
  return reader.take_fields();
}

}  // namespace detail

// The form, its files in `folder`.
inline Form read_form(const Env& env, Body& body, const UploadFolder& folder, const FormLimits& limits = {}) {
  detail::FolderSink sink(folder);
  Form form;
  form.fields = detail::read_form(env, body, &sink, limits);
  form.files = sink.take_files();
  return form;
}

// The form's fields, while its files go to `sink`.
inline Fields read_form(const Env& env, Body& body, FileSink& sink, const FormLimits& limits = {}) {
  return detail::read_form(env, body, &sink, limits);
}

// A form without files: one in it is a Refusal 400.
inline Fields read_form(const Env& env, Body& body, const FormLimits& limits = {}) {
  return detail::read_form(env, body, nullptr, limits);
}

}  // namespace web
}  // namespace api
}  // namespace forklift

#endif  // FORKLIFT_WEB_FORM_HPP
