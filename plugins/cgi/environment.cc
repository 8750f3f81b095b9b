#include "environment.h"

#include <algorithm>
#include <map>

namespace cgi {
namespace {

constexpr std::string_view kPath = "/usr/local/bin:/usr/bin:/bin";

// From the dynamic loader and the C library, shells, and the interpreters that CGI programs are written for.
constexpr std::string_view kForbidden[] = {
    "HTTP_PROXY", "PATH", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "CDPATH", "GLOBIGNORE", "PS4",
    "PROMPT_COMMAND", "HOME", "SHELL", "USER", "LOGNAME", "PWD", "OLDPWD", "TMPDIR", "TZDIR", "EDITOR", "VISUAL",
    "PAGER", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NLSPATH",
    "RES_OPTIONS", "RESOLV_HOST_CONF", "RUBYLIB", "RUBYOPT", "NODE_OPTIONS", "NODE_PATH", "PHPRC", "PHP_INI_SCAN_DIR",
    "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "TCLLIBPATH", "ZDOTDIR", "FPATH",
    "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES",
    // The server has taken it off the body.
    "HTTP_TRANSFER_ENCODING"};
constexpr std::string_view kForbiddenBeginnings[] = {"LD_",    "BASH_FUNC_", "MALLOC_", "PERL",
                                                     "PYTHON", "LUA_",       "GUILE_"};

bool is_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

bool is_posix_name(std::string_view name) {
  return !name.empty() && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// RFC 3875, 4.1.2: there, if and only if there is a body. An empty one of a method that has one is one.
bool has_body(std::string_view method, std::uint64_t bytes) {
  return bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

bool may_enter_environment(std::string_view name) {
  const auto is_name = [name](std::string_view forbidden) { return name == forbidden; };
  const auto begins_name = [name](std::string_view beginning) { return name.starts_with(beginning); };
  return is_posix_name(name) && std::none_of(std::begin(kForbidden), std::end(kForbidden), is_name) &&
         std::none_of(std::begin(kForbiddenBeginnings), std::end(kForbiddenBeginnings), begins_name);
}

std::vector<std::string> build_environment(const forklift::Env& env, const Request& request, const Target& target,
                                           const Settings& settings, std::optional<std::uint64_t> body_bytes) {
  std::map<std::string, std::string, std::less<>> all;
  for (const auto [name, value] : env) {
    if (may_enter_environment(name)) all.insert_or_assign(std::string(name), std::string(value));
  }

  all.try_emplace("SERVER_SOFTWARE", "Forklift");
  all.try_emplace("SERVER_PROTOCOL", "HTTP/1.0");
  all["GATEWAY_INTERFACE"] = "CGI/1.1";
  all["REQUEST_METHOD"] = request.method;
  all["REQUEST_URI"] = request.uri;
  all["QUERY_STRING"] = request.query;
  all["SCRIPT_NAME"] = target.script_name;
  all["SCRIPT_FILENAME"] = target.file;
  all.erase("CONTENT_LENGTH");
  if (!body_bytes) {
    std::erase_if(all, [](const auto& variable) {
      return variable.first == "CONTENT_TYPE" || variable.first.starts_with("HTTP_CONTENT_");
    });
  } else if (has_body(request.method, *body_bytes)) {
    all["CONTENT_LENGTH"] = std::to_string(*body_bytes);
  }

  // Front servers send paths of their own here (Apache: "proxy:scgi://..."), for files that this program is not.
  all.erase("PATH_INFO");
  all.erase("PATH_TRANSLATED");
  if (!target.path_info.empty()) {
    all["PATH_INFO"] = target.path_info;
    const auto root = all.find("DOCUMENT_ROOT");
    if (root != all.end() && !root->second.empty()) {
      std::string folder = root->second;
      if (folder.ends_with('/')) folder.pop_back();  // as Apache writes a relative DocumentRoot
      all["PATH_TRANSLATED"] = folder + target.path_info;
    }
  }

  // php-cgi answers no request that is not an internal redirection of its web server, lest people call it by itself
  // for files that only it may read. Here the configuration has chosen it.
  if (!target.interpreter.empty()) all["REDIRECT_STATUS"] = "200";

  all["PATH"] = kPath;
  for (const auto& [name, value] : settings.environment) all[name] = value;

  std::vector<std::string> entries;
  entries.reserve(all.size());
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

}  // namespace cgi
