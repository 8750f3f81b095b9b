// A page with a form for files, and one that shows what came. Files of any size go to the disk while they come.
//
//     settings:
//       folder: /srv/uploads   # where the worker's user may write; default: /tmp
//       keep: yes              # under a name of its own (4711-1-report.pdf); default: no, gone with the request
//       file: 100M             # the largest that is taken; default: what the app's limits.body lets through
#include <unistd.h>

#include <forklift/web.hpp>
#include <limits>
#include <string>
#include <system_error>

namespace {

namespace web = forklift::web;

constexpr const char* kHead = "<!DOCTYPE html>\n<html lang=en><meta charset=utf-8><title>Upload</title>\n";
constexpr const char* kForm =
    "<form method=post enctype=multipart/form-data>\n"
    "<p><label>Title <input name=title></label>\n"
    "<p><input type=file name=file multiple>\n"
    "<p><button>Send</button>\n"
    "</form>\n";

}  // namespace

class Upload : public web::WebPlugin {
 public:
  explicit Upload(const forklift::Host& host)
      : folder_(folder_of(host.settings())), keeps_(host.settings().boolean("keep", false)) {
    host.settings().only({"folder", "keep", "file"});
    limits_.file_bytes =
        static_cast<std::uint64_t>(host.settings().bytes("file", std::numeric_limits<std::int64_t>::max()));
  }

  void serve(const forklift::Env& env, forklift::Body& body, forklift::Out& out) override {
    if (web::allow(env, "GET, HEAD, POST") != "POST") return page(out, kForm);

    web::Form form = web::read_form(env, body, folder_, limits_);
    std::string text = "<dl>\n";
    for (const auto& [name, value] : form.fields) text += "<dt>" + web::html(name) + "<dd>" + web::html(value) + "\n";
    for (web::UploadedFile& file : form.files) {
      text += "<dt>" + web::html(file.name()) + "<dd>" + web::html(file.filename()) + ", " +
              web::html(file.content_type()) + ", " + std::to_string(file.size()) + " bytes";
      if (keeps_) text += ", kept as " + web::html(keep(file));
      text += "\n";
    }
    page(out, text + "</dl>\n");
  }

 private:
  // A folder that takes no files is the setting's fault: then the log says where that stands.
  static web::UploadFolder folder_of(const forklift::Settings& settings) {
    try {
      return web::UploadFolder(std::string(settings.text("folder", "/tmp")));
    } catch (const std::system_error& error) {
      settings.refuse("folder", error.what());
    }
  }

  static void page(forklift::Out& out, const std::string& content) {
    out.begin(200, {{"Content-Type", "text/html; charset=utf-8"}});
    out.write(kHead + content);
  }

  // The name that it got: the client's, with a number in front that no other has.
  std::string keep(web::UploadedFile& file) {
    for (;;) {
      const std::string name = std::to_string(::getpid()) + "-" + std::to_string(++kept_) + "-" + file.safe_filename();
      try {
        return file.save_as(folder_.path() + "/" + name), name;
      } catch (const std::system_error& error) {
        if (error.code() != std::errc::file_exists) throw;  // of an earlier worker with our pid
      }
    }
  }

  web::UploadFolder folder_;
  web::FormLimits limits_;
  bool keeps_;
  unsigned long kept_ = 0;
};

FORKLIFT_PLUGIN_CLASS(Upload, "upload", "1.0");
