// forklift/cgilike.hpp - CGI programs as plugins, in C++17 and later
//
// A program as RFC 3875 has them, with its request in the environment and on standard input, and its page on standard
// output, becomes a plugin by one line, that of main:
//
//     #include <forklift/cgilike.hpp>
//
//     FORKLIFT_CGILIKE("hello", "1.0") {                        // was: int main(int argc, char** argv) {
//       std::printf("Content-Type: text/plain\n\n");
//       std::printf("Hello, %s\n", std::getenv("QUERY_STRING"));
//       return 0;                                               // main need not say this, a plugin must
//     }
//
// It starts once and answers many requests, one after the other, so two things differ from CGI: what it leaves in
// global variables the next request finds, and exit() ends the worker (the client gets 502): return instead. A child
// that it forks may do what it likes, also return.
//
// While the program runs
//   - the environment is the worker's (PATH, HOME, what the YAML says) with the request's variables on top, except
//     those that could say to a library or shell what to do: HTTP_PROXY, PATH, LD_..., IFS, ENV, BASH_ENV;
//   - 0, stdin and std::cin are the body. All of it has come by then: a body that breaks off is answered 400 or 408,
//     and the program does not run;
//   - 1, stdout and std::cout are the page: a CGI header block, a blank line, the body. It is sent when the program has
//     returned, so that a program that fails is a clean 500; there is no half page, and nothing is streamed;
//   - 2, stderr and std::cerr are the log, as always.
// Both wait in files without names in P_tmpdir (/tmp), so that they take no memory, however large.
//
// Whatever the program does, by closing, replacing or reopening (with open and dup2), 0, 1, 2 and the environment are
// afterwards what they were. Not so if it gives stdin or stdout away by fclose() or freopen(), or leaves by longjmp().
// Other threads of the plugin must not use any of these meanwhile: a process has only one of each.
#ifndef FORKLIFT_CGILIKE_HPP
#define FORKLIFT_CGILIKE_HPP

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <forklift/detail/environment.hpp>
#include <forklift/detail/standard_streams.hpp>
#include <forklift/plugin.hpp>
#include <stdexcept>
#include <string>

namespace forklift {
inline namespace api {

// The same as a class, for plugins with a state of their own. As with Plugin, the constructor may take the host.
class CgiLike : public Plugin {
 public:
  // Answers one request as a CGI program does. Returns its exit status: other than 0, and exceptions, are a failed
  // request.
  virtual int produce_cgilike() = 0;

  void produce(const Env& env, Body& body, Out& out) final {
    detail::TemporaryFile input;
    receive(body, input);
    detail::TemporaryFile output;
    run(env, input, output);

    struct stat status {};
    if (::fstat(output.fd(), &status) != 0) throw std::runtime_error("the size of the page cannot be had");
    out.send_file(output.fd(), 0, static_cast<std::uint64_t>(status.st_size));
  }

 private:
  static void receive(Body& body, detail::TemporaryFile& input) {
    char buffer[64 * 1024];
    while (const std::size_t count = body.read(buffer, sizeof buffer)) input.write(buffer, count);
    input.rewind();
  }

  void run(const Env& env, const detail::TemporaryFile& input, const detail::TemporaryFile& output) {
    const ::pid_t process = ::getpid();
    const detail::RequestEnvironment environment(env);
    const detail::RequestStreams streams(input, output);
    const int status = produce_cgilike();
    const bool whole = streams.flush();
    if (::getpid() != process) ::_exit(status);  // a child of the program that has returned from main: so it ends
    if (status != 0) throw std::runtime_error("the program returned " + std::to_string(status));
    if (!whole) throw std::runtime_error("the program has written more than its standard output took");
  }
};

}  // namespace api
}  // namespace forklift

// Stands for `int main(int argc, char** argv)`, in one translation unit of the plugin. Name and version are string
// literals; `argc` is 1 and `argv[0]` the name.
#define FORKLIFT_CGILIKE(plugin_name, version_text)                   \
  static int forklift_cgilike_main_(int argc, char** argv);           \
  namespace {                                                         \
  class ForkliftCgiLike_ final : public ::forklift::CgiLike {         \
    int produce_cgilike() override {                                  \
      char name[] = plugin_name;                                      \
      char* arguments[] = {name, nullptr};                            \
      return forklift_cgilike_main_(1, arguments);                    \
    }                                                                 \
  };                                                                  \
  }                                                                   \
  FORKLIFT_PLUGIN_CLASS(ForkliftCgiLike_, plugin_name, version_text); \
  static int forklift_cgilike_main_([[maybe_unused]] int argc, [[maybe_unused]] char** argv)

#endif  // FORKLIFT_CGILIKE_HPP
