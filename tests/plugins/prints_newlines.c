/* Prints newlines as fast as it can, on both streams, from a request that says `print` in HTTP_X_DO to one that says
 * `stop`, and answers meanwhile. Where one says `die`, it prints as many as there is room for, and is killed. */
#include <fcntl.h>
#include <forklift/plugin.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int streams[] = {STDOUT_FILENO, STDERR_FILENO};
static pthread_t threads[2];
static atomic_int prints;

static void* print(void* stream) {
  char newlines[4096];
  memset(newlines, '\n', sizeof newlines);
  while (prints && write(*(const int*)stream, newlines, sizeof newlines) > 0) continue;
  return NULL;
}

static void fill_and_die(void) {
  char newlines[4096];
  memset(newlines, '\n', sizeof newlines);
  for (int i = 0; i < 2; ++i) {
    fcntl(streams[i], F_SETFL, O_NONBLOCK);
    while (write(streams[i], newlines, sizeof newlines) > 0) continue;
  }
  raise(SIGKILL);
}

static int begin(void) {
  const int bytes = 16 * 1024;
  prints = 1;
  for (int i = 0; i < 2; ++i) {
    setsockopt(streams[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (pthread_create(&threads[i], NULL, print, (void*)(uintptr_t)&streams[i]) != 0) return 1;
  }
  return 0;
}

static int end(void) {
  prints = 0;
  return pthread_join(threads[0], NULL) != 0 || pthread_join(threads[1], NULL) != 0;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  static const char page[] = "Content-Type: text/plain\n\npage\n";
  const char* told = env->get(env, "HTTP_X_DO", NULL);
  (void)instance, (void)body;
  if (told && strcmp(told, "print") == 0 && begin() != 0) return 1;
  if (told && strcmp(told, "stop") == 0 && end() != 0) return 1;
  if (told && strcmp(told, "die") == 0) fill_and_die();
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("prints_newlines", "1.0", .produce = produce);
