// Puts work off as the request's path says. Each work appends a letter to the file that the setting `record` names, and
// so does produce() itself, a P, at its end.
//
//   /one         one work, A
//   /three       A, B and C
//   /many        as many as there may be, and one more; the first line of the page tells how many were taken
//   /fail        A, and then produce() fails
//   /throw       one that throws, and A behind it
//   /forbidden   A, which tries to put off another one; one that is NULL; and one from another thread
//   /die         one that is killed
//   /close       one that closes all descriptors, the server's too, and does not end
//   /fork        A, in which a child is forked that returns from it too
//   /memory      A, which takes 64 MiB of memory and keeps them
//   /leave       A, which puts the worker into another folder, and with another umask
//
// The page has three lines: the above, the worker's pid, and its folder.
#include <fcntl.h>
#include <forklift/defer.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

const forklift_defer* defer = nullptr;
int record = -1;

void append(const char* letter) {
  if (write(record, letter, 1) != 1) abort();
}

void work(void* letter) {
  append(static_cast<const char*>(letter));
}

void work_and_fork(void* letter) {
  work(letter);
  const pid_t child = fork();
  if (child > 0) waitpid(child, nullptr, 0);
}

void work_and_defer(void* letter) {
  if (defer->after_response(defer, work, letter) != FORKLIFT_EINVAL) abort();
  work(letter);
}

void work_and_keep_memory(void* letter) {
  static char* volatile memory = nullptr;
  memory = static_cast<char*>(malloc(64U << 20));
  memset(memory, 1, 64U << 20);
  work(letter);
}

void work_elsewhere(void* letter) {
  if (chdir("/proc") != 0) abort();
  umask(0777);
  work(letter);
}

void work_without_descriptors(void*) {
  close_range(3, ~0U, 0);
  for (;;) pause();
}

void give(void (*function)(void*), const char* letter) {
  if (defer->after_response(defer, function, const_cast<char*>(letter)) != FORKLIFT_OK) abort();
}

void try_what_is_forbidden(const char* letter) {
  give(work_and_defer, letter);
  if (defer->after_response(defer, nullptr, nullptr) != FORKLIFT_EINVAL) abort();
  std::thread([] {
    if (defer->after_response(defer, work, nullptr) != FORKLIFT_EINVAL) abort();
  }).join();
}

int create(const forklift_host* host, void**) {
  defer = static_cast<const forklift_defer*>(host->service(host, FORKLIFT_DEFER_ID));
  const char* path = host->settings->get(host->settings, "record", nullptr);
  if (path != nullptr) record = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  return defer != nullptr && record >= 0 ? 0 : 1;
}

int produce(void*, const forklift_env* env, forklift_body*, forklift_out* out) {
  const std::string path = env->get(env, "REQUEST_URI", nullptr);
  int taken = 0;
  if (path == "/one" || path == "/three" || path == "/fail") give(work, "A");
  if (path == "/three") give(work, "B"), give(work, "C");
  if (path == "/many") {
    while (defer->after_response(defer, work, const_cast<char*>("A")) == FORKLIFT_OK) ++taken;
  }
  if (path == "/throw") give([](void*) { throw std::runtime_error("thrown\nlater"); }, ""), give(work, "A");
  if (path == "/forbidden") try_what_is_forbidden("A");
  if (path == "/die") give([](void*) { raise(SIGKILL); }, "");
  if (path == "/close") give(work_without_descriptors, "");
  if (path == "/fork") give(work_and_fork, "A");
  if (path == "/memory") give(work_and_keep_memory, "A");
  if (path == "/leave") give(work_elsewhere, "A");
  append("P");
  char folder[4096] = "?";
  if (getcwd(folder, sizeof folder) == nullptr) abort();
  const std::string page =
      "Content-Type: text/plain\n\n" + std::to_string(taken) + "\n" + std::to_string(getpid()) + "\n" + folder + "\n";
  const int result = out->write(out, page.data(), page.size());
  return path == "/fail" ? 1 : result;
}

constexpr forklift_plugin plugin{
    FORKLIFT_VERSION_OF(forklift_plugin), "defers_as_told", "1.0", create, produce, nullptr, nullptr};

}  // namespace

FORKLIFT_NOTE("defers_as_told", "1.0");
extern "C" const forklift_plugin* forklift_plugin_v1() {
  return &plugin;
}
