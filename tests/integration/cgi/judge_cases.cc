#include "cgi/judge_cases.h"

#include <map>
#include <utility>

namespace harness {
namespace {

using enum CaseGroup;

constexpr std::uint64_t kMegabyte = 1024 * 1024;

// What our server logs as an error.
const std::map<std::string, std::string>& logged_errors() {
  static const std::map<std::string, std::string> errors{
      {"folded", "folded\" answered 500: *its output has, among its headers, a line that is no header"},
      {"no_name", "no_name\" answered 500: *its output has, among its headers, a line that is no header"},
      {"space_before_colon", "space_before_colon\" answered 500: *white space in front of its colon"},
      {"odd_name", "odd_name\" answered 500: a header has the name"},
      {"chunked", "chunked\" answered 500: the header Transfer-Encoding is the front server's to send"},
      {"control_in_value", "control_in_value\" answered 500: the header X-One has a control character"},
      {"return_in_value", "return_in_value\" answered 500: the header X-One has a control character"},
      {"status_twice", "status_twice\" answered 500: the response has a second Status"},
      {"status_text", "status?fine\" answered 500: Status is"},
      {"status_99", "status?99%20Low\" answered 500: Status is"},
      {"status_1000", "status?1000%20High\" answered 500: Status is"},
      {"status_glued", "status?200OK\" answered 500: Status is"},
      {"status_negative", "status?-200%20OK\" answered 500: Status is"},
      {"status_empty", "status?\" answered 500: Status is"},
      {"status_100", "status?100%20Continue\" answered 500: the status is 100"},
      {"length_twice", "length_twice\" answered 500: the response has a second Content-Length"},
      {"length_too_much", "length?20\" *the body has 10 bytes and its Content-Length says 20"},
      {"length_too_little", "length?5\" answered 500: the body is longer than its Content-Length"},
      {"length_no_number", "length?ten\" answered 500: Content-Length is"},
      {"length_negative", "length?-1\" answered 500: Content-Length is"},
      {"killed_after_page", "killed_after_page\" *it was killed by signal 9"},
      {"empty_block", "empty_block\" answered 500: *its output begins with a blank line"},
      {"no_colon", "no_colon\" answered 500: *a line that is no header: \"this is no header\""},
      {"long_block", "long_block\" answered 500: *no header block in the first 65536 bytes"},
      {"nul_in_value", "nul_in_value\" answered 500: *control character in its value: \"a\\x00b\""},
      {"stderr_only", "stderr_only\" answered 500: *it has written nothing"},
      {"exit_silent", "exit_silent\" answered 500: *it has written nothing"},
      {"exit_1_silent", "exit_1_silent\" answered 500: *it has written nothing; it exited with status 1"},
      {"exit_in_block", "exit_in_block\" answered 500: *its output ends before its headers do: *SECR"},
      {"exit_behind_block", "exit_behind_block\" answered 500: *its output ends before its headers do"},
      {"killed_silent", "killed_silent\" answered 500: *it was killed by signal 9"},
      {"killed_in_block", "killed_in_block\" answered 500: *it was killed by signal 11"},
      {"http_line", "http_line\" answered 500: *its output begins with an HTTP status line"},
      {"nph-page", "nph-page\" answered 500: *its output begins with an HTTP status line"},
      {"html", "html\" answered 500: *its output ends before its headers do: \"<html>"},
      {"garbage", "garbage\" answered 500: *its output ends before its headers do: \"SECRET"},
      {"no_interpreter", "no_interpreter\" answered 500: *its first line names an interpreter that is not there"},
      {"no_interpreter_line", "no_interpreter_line\" answered 500: *it cannot be run: Exec format error"},
      {"hangs", "hangs\" answered 504: *(settings.timeout)"},
      {"hangs_and_ignores_term", "hangs_and_ignores_term\" answered 504: *(settings.timeout)"},
      {"hangs_behind_block", "hangs_behind_block\" aborted: *(settings.timeout)"},
  };
  return errors;
}

// Builds the list; a case is named for its program, with something behind it where a program has several.
class List {
 public:
  void add(CaseGroup group, const std::string& program) { add(group, program, program, get(program)); }
  void add(CaseGroup group, const std::string& name, const std::string& program, HttpRequest request) {
    cases_.push_back({group, name, program, std::move(request)});
    const auto error = logged_errors().find(name);
    if (error != logged_errors().end()) cases_.back().error = "/cgi-bin/" + error->second;
  }
  // What the server answers by itself.
  void refused(CaseGroup group, const std::string& name, const std::string& program, HttpRequest request) {
    add(group, name, program, std::move(request));
    cases_.back().is_servers_page = true;
  }
  void refused(CaseGroup group, const std::string& program) { refused(group, program, program, get(program)); }

  static HttpRequest get(const std::string& path) { return HttpRequest::get("/cgi-bin/" + path); }
  static HttpRequest post(const std::string& path, Body body) {
    return HttpRequest::post("/cgi-bin/" + path, std::move(body));
  }

  std::vector<JudgeCase> take() { return std::move(cases_); }

 private:
  std::vector<JudgeCase> cases_;
};

void add_headers(List& list) {
  for (const char* program :
       {"page",       "crlf",        "mixed_ends",      "lf_then_crlf",    "no_type",      "cookies",
        "repeated",   "types_twice", "empty_value",     "spaces_around",   "many_headers", "charset",
        "hop_by_hop", "chunked",     "return_in_value", "latin1_in_value", "dated",        "tagged",
        "bytewise",   "in_pieces"}) {
    list.add(kHeaders, program);
  }
  for (const char* program : {"folded", "space_before_colon", "odd_name", "no_name", "control_in_value"}) {
    list.refused(kHeaders, program);
  }
  for (const char* bytes : {"4000", "8000", "20000"}) {
    list.add(kHeaders, std::string("long_header_of_") + bytes, "long_header",
             List::get(std::string("long_header?") + bytes));
  }
  list.add(kHeaders, "dated_and_known", "dated",
           List::get("dated").add("If-Modified-Since", "Sat, 01 Jan 2022 00:00:00 GMT"));
  list.add(kHeaders, "tagged_and_known", "tagged", List::get("tagged").add("If-None-Match", "\"one\""));
  list.add(kHeaders, "tagged_and_another_known", "tagged", List::get("tagged").add("If-None-Match", "\"two\""));
}

void add_statuses(List& list) {
  for (const char* program :
       {"status_last", "status_lower_case", "status_twice", "status_alone", "location_absolute", "location_with_status",
        "location_with_page", "location_local", "location_local_with_status", "location_relative", "created",
        "unauthorized", "no_content", "no_content_with_page", "not_modified", "not_modified_with_page"}) {
    list.add(kStatuses, program);
  }
  const std::pair<const char*, const char*> said[] = {
      {"status_of_its_own", "299%20All%20Too%20Fine"},
      {"status_teapot", "418%20I'm%20a%20teapot"},
      {"status_bare", "404"},
      {"status_bare_unknown", "299"},
      {"status_500", "500%20Internal%20Server%20Error"},
      {"status_503", "503%20Service%20Unavailable"},
      {"status_wrong_reason", "404%20OK"},
  };
  for (const auto& [name, query] : said) {
    list.add(kStatuses, name, "status", List::get(std::string("status?") + query));
  }
  const std::pair<const char*, const char*> wrong[] = {
      {"status_text", "fine"},          {"status_99", "99%20Low"},        {"status_1000", "1000%20High"},
      {"status_glued", "200OK"},        {"status_negative", "-200%20OK"}, {"status_empty", ""},
      {"status_100", "100%20Continue"},
  };
  for (const auto& [name, query] : wrong) {
    list.refused(kStatuses, name, "status", List::get(std::string("status?") + query));
  }
  for (const char* program : {"page", "head_only", "crlf", "location_absolute", "not_modified_with_page", "big"}) {
    list.add(kStatuses, std::string("head_of_") + program, program,
             HttpRequest("HEAD", std::string("/cgi-bin/") + program));
  }
  list.add(kStatuses, "head_of_length", "length", HttpRequest("HEAD", "/cgi-bin/length?10"));
}

void add_bodies(List& list) {
  for (const char* program : {"big", "input_of_get", "length_twice"}) list.add(kBodies, program);
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{65536}}) {
    list.add(kBodies, "echo_" + std::to_string(size), "echo", List::post("echo", pattern_body(size)));
  }
  list.add(kBodies, "hash", "hash", List::post("hash", pattern_body(16 * kMegabyte)));
  list.add(kBodies, "early_exit", "early_exit", List::post("early_exit", pattern_body(kMegabyte)));
  list.add(kBodies, "unread", "unread", List::post("unread", pattern_body(kMegabyte)));
  list.add(kBodies, "reads_a_line", "reads_a_line",
           List::post("reads_a_line", text_body("first\n" + std::string(kMegabyte, 'x'))));
  list.add(kBodies, "compressed", "variables",
           List::post("variables", pattern_body(100)).add("Content-Encoding", "gzip").add("Content-Type", "a/b"));
  list.add(kBodies, "length_right", "length", List::get("length?10"));
  list.add(kBodies, "length_too_much", "length", List::get("length?20"));
  list.add(kBodies, "length_too_little", "length", List::get("length?5"));
  list.add(kBodies, "length_no_number", "length", List::get("length?ten"));
  list.add(kBodies, "length_negative", "length", List::get("length?-1"));
}

void add_requests(List& list) {
  for (const char* program : {"variables", "names", "files", "place", "below/place", "with space"}) {
    const std::string name = program;
    if (name.find(' ') == name.npos) list.add(kRequests, name);
  }
  list.add(kRequests, "query", "variables", List::get("variables?a=b&c=%20d+e"));
  list.add(kRequests, "path", "variables", List::get("variables/a/b"));
  list.add(kRequests, "path_slash", "variables", List::get("variables/"));
  list.add(kRequests, "path_encoded", "variables", List::get("variables/a%20b%25c?d%20e"));
  list.add(kRequests, "path_encoded_slash", "variables", List::get("variables/a%2Fb"));
  list.add(kRequests, "path_slashes", "variables", List::get("variables//a///b"));
  list.add(kRequests, "path_dots", "variables", List::get("variables/a/../b/./c"));
  list.add(kRequests, "path_files", "files", List::get("files/a/b"));
  list.add(kRequests, "path_below", "below/place", List::get("below/place/a"));
  list.add(kRequests, "program_encoded", "page", List::get("%70age"));
  list.add(kRequests, "program_with_space", "with space", List::get("with%20space/a%20b"));
  list.add(kRequests, "program_by_dots", "page", List::get("below/../page"));
  list.add(kRequests, "program_behind_slashes", "page", List::get("/page"));
  list.add(kRequests, "words_in_query", "place", List::get("place?one+two"));
  list.add(kRequests, "headers", "variables",
           List::get("variables")
               .add("X-One", "1")
               .add("Proxy", "http://evil.example/")
               .add("Authorization", "Basic YTpi")
               .add("X_Two", "2")
               .add("Cookie", "a=b")
               .add("X-Twice", "a")
               .add("X-Twice", "b"));
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW"}) {
    list.add(kRequests, std::string("method_") + method, "variables",
             HttpRequest(method, "/cgi-bin/variables").with_body(text_body("x")));
  }
}

void add_processes(List& list) {
  for (const char* program : {"stderr_before", "stderr_between", "stderr_after", "stderr_long_line", "stderr_bytes",
                              "exit_3", "killed_after_page", "daemonises", "background_holds", "runs_on", "descriptors",
                              "signals", "group", "interpreter_with_argument"}) {
    list.add(kProcesses, program);
  }
}

void add_bad(List& list) {
  for (const char* program :
       {"empty_block", "no_colon", "long_block", "nul_in_value", "stderr_only", "exit_silent", "exit_1_silent",
        "exit_in_block", "exit_behind_block", "killed_silent", "killed_in_block", "http_line", "html", "garbage",
        "no_interpreter", "no_interpreter_line", "not_executable"}) {
    list.refused(kBad, program);
  }
  list.add(kBad, "nph-page");
  list.refused(kBad, "missing", "", List::get("missing"));
  list.refused(kBad, "missing_below", "", List::get("below/missing"));
  list.refused(kBad, "folder", "", List::get("below"));
  list.refused(kBad, "folder_slash", "", List::get("below/"));
  list.refused(kBad, "whole_folder", "", List::get(""));
  list.refused(kBad, "link_out", "", List::get("link_out"));
  list.refused(kBad, "link_to_folder_out", "", List::get("folder_out/outside"));
  list.refused(kBad, "dots_out", "", List::get("../outside"));
  list.refused(kBad, "encoded_dots_out", "", List::get("%2e%2e/outside"));
  list.refused(kBad, "encoded_slash_out", "", List::get("..%2foutside"));
  list.refused(kBad, "encoded_twice", "", List::get("%252e%252e/outside"));
  list.refused(kBad, "encoded_slash_below", "below/place", List::get("below%2fplace"));
  list.refused(kBad, "nul", "", List::get("page%00"));
}

void add_hanging(List& list) {
  list.refused(kHanging, "hangs");
  list.refused(kHanging, "hangs_and_ignores_term");
  list.add(kHanging, "hangs_behind_block");
  list.add(kHanging, "background_holds_long");
  list.add(kHanging, "echo_large", "echo", List::post("echo", pattern_body(kMegabyte)));
  list.add(kHanging, "both_ways", "both_ways", List::post("both_ways", pattern_body(2 * kMegabyte)));
}

std::vector<JudgeCase> make_cases() {
  List list;
  add_headers(list);
  add_statuses(list);
  add_bodies(list);
  add_requests(list);
  add_processes(list);
  add_bad(list);
  add_hanging(list);
  return list.take();
}

}  // namespace

const std::vector<JudgeCase>& judge_cases() {
  static const std::vector<JudgeCase> cases = make_cases();
  return cases;
}

}  // namespace harness
