// Does what HTTP_X_DO says; without it, answers with a short page.
//
//   fail       produce returns an error
//   throw      an exception leaves produce
//   exit       calls exit(3)
//   die        is killed, before the first byte
//   die_late   is killed, after the first bytes
//   hang       never returns
//   give_up    reads what there is of the body, waits a little for more, and fails after the first bytes
//   stream     writes a page without end
//   long       a page of 320 KiB more, without Content-Length
//   fork       leaves a child behind that keeps all that it has inherited, the connection too
//   read       reads the body, to its end or until it breaks off, before the page
//   print      a line on standard output, by printf(3), and one on standard error
//   print_long a line of a megabyte on standard error
//   print_both two processes, 500 lines each, on the same standard output
//   print_die  the beginning of a line on each stream, and is killed
//   print_raw  what a terminal would obey
#include <forklift/plugin.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

void print(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(to, bytes.data(), bytes.size());
    if (n <= 0) _exit(90);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void print_lines(const char* who) {
  for (int i = 0; i < 500; ++i) {
    char line[300];
    const int bytes = snprintf(line, sizeof line, "%s %03d %0200d.\n", who, i, 0);
    print(STDOUT_FILENO, {line, static_cast<size_t>(bytes)});
  }
}

int print_what_was_asked(std::string_view what) {
  if (what == "print") {
    printf("to output\n");
    fprintf(stderr, "to error\n");
  } else if (what == "print_long") {
    print(STDERR_FILENO, std::string(1'000'000, 'x') + "\n");
  } else if (what == "print_both") {
    const pid_t child = fork();
    print_lines(child == 0 ? "child" : "parent");
    if (child == 0) _exit(0);
    return waitpid(child, nullptr, 0) == child ? 0 : 1;
  } else if (what == "print_die") {
    print(STDOUT_FILENO, "half a line of output");
    print(STDERR_FILENO, "half a line of error");
    raise(SIGKILL);
  } else if (what == "print_raw") {
    print(STDOUT_FILENO, std::string_view("a\0b\x1b[31m\r caf\xc3\xa9 \xff\n", 18));
  }
  return 0;
}

// It goes with its worker, as it stays in its group.
int leave_a_child() {
  const pid_t child = fork();
  while (child == 0) pause();
  return child > 0 ? 0 : 1;
}

int write_page(std::string_view what, forklift_out* out) {
  const forklift_header type = {"Content-Type", "text/plain"};
  int result = out->begin(out, 200, &type, 1);
  if (result == 0) result = out->write(out, "page\n", 5);
  if (what == "die_late" && result == 0 && out->flush(out) == 0) raise(SIGKILL);
  if (what == "give_up") return result == 0 && out->flush(out) == 0 ? 2 : 1;
  std::array<char, 16 * 1024> more;
  more.fill('.');
  const int pieces = what == "long" ? 20 : 0;
  for (int i = 0; (i < pieces || what == "stream") && result == 0; ++i) {
    result = out->write(out, more.data(), more.size());
  }
  return result;
}

int produce(void*, const forklift_env* env, forklift_body* body, forklift_out* out) {
  const char* told = env->get(env, "HTTP_X_DO", nullptr);
  const std::string_view what = told == nullptr ? "" : told;
  if (what == "fail") return 1;
  if (what == "throw") throw std::runtime_error("as told");
  if (what == "exit") exit(3);
  if (what == "die") raise(SIGKILL);
  while (what == "hang") pause();
  std::array<char, 16 * 1024> piece;
  for (long n = 1; n > 0 && what == "read";) n = body->read(body, piece.data(), piece.size());
  if (what == "give_up") {
    if (body->read(body, piece.data(), piece.size()) < 0) return 1;
    if (out->wait(out, FORKLIFT_WAIT_BODY, nullptr, 0, 10) != 0) return 1;
  }
  if (what == "fork" && leave_a_child() != 0) return 1;
  if (print_what_was_asked(what) != 0) return 1;
  return write_page(what, out);
}

}  // namespace

FORKLIFT_NOTE("misbehaves_as_told", "1.0");

// Not by the class of plugin.hpp, which catches what its plugins throw: here, it is the host that has to.
const forklift_plugin* forklift_plugin_v1() {
  static const forklift_plugin plugin = {.version = FORKLIFT_VERSION_OF(forklift_plugin),
                                         .name = "misbehaves_as_told",
                                         .plugin_version = "1.0",
                                         .create = nullptr,
                                         .produce = produce,
                                         .destroy = nullptr,
                                         .handle_connection = nullptr};
  return &plugin;
}
