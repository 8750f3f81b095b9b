/* Stops at the point that the request names, and does there what it is told: dies, hangs, forks, or goes on. Its page tells
 * the worker's pid.
 *
 *   HTTP_X_STOP     taken, half (of the body), before (the first byte), first, last (byte), done (shut down, not yet DONE), deferred (work, behind
 *                   DONE)
 *   HTTP_X_CONTROL  the path of the Unix socket where orders come from; who has come there, the kernel knows
 *   HTTP_X_LENGTH   if present, the page declares its Content-Length before it is flushed
 *
 * With the setting `stop_at: lend` it stops, without a word, whenever something is lent: before the request counts as taken.
 * `done` and `lend` need the shim after_call. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <forklift/defer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kPageBytes = 2000 };

static char control_path[108];
static const forklift_defer *defer;

static int connect_to_control(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, control_path, sizeof address.sun_path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) _exit(90);
  return fd;
}

static void hear_nothing(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_IGN);
}

/* Returns when it is told to go on. While no order comes, it sleeps. */
static void stop(void) {
  int control = connect_to_control();
  for (char order = 0; read(control, &order, 1) == 1;) {
    switch (order) {
      case 'g': close(control); return;
      case 's': raise(SIGSEGV); break;
      case 'a': abort();
      case 'x': _exit(0);
      case 'b': for (volatile unsigned spin = 0;; ++spin) continue;
      case 'd': hear_nothing(); break;
      case 'f': if (fork() == 0) control = connect_to_control(); break;
    }
  }
  _exit(91); /* the test is gone */
}

static void leave(void) { _exit(0); }

static int arm_shim(const char *call, void (*hook)(void)) {
  void (*shim_after_call)(const char *, void (*)(void)) = NULL;
  *(void **)&shim_after_call = dlsym(RTLD_DEFAULT, "shim_after_call");
  if (shim_after_call == NULL) return 1;
  shim_after_call(call, hook);
  return 0;
}

static void stop_in_deferred_work(void *unused) {
  (void)unused;
  stop();
}

static int create(const forklift_host *host, void **instance) {
  (void)instance;
  defer = host->service(host, FORKLIFT_DEFER_ID);
  const char *point = host->settings->get(host->settings, "stop_at", NULL);
  return point != NULL && strcmp(point, "lend") == 0 ? arm_shim("recvmsg", leave) : 0;
}

static int read_body(forklift_body *body, uint64_t count) {
  char buffer[4096];
  while (count > 0) {
    const int64_t n = body->read(body, buffer, count < sizeof buffer ? (size_t)count : sizeof buffer);
    if (n <= 0) return 1;
    count -= (uint64_t)n;
  }
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance;
  const char *point = env->get(env, "HTTP_X_STOP", NULL);
  const char *control = env->get(env, "HTTP_X_CONTROL", NULL);
  if (point == NULL) point = "nowhere";
  if (control != NULL) snprintf(control_path, sizeof control_path, "%s", control);

  char page[kPageBytes + 1];
  memset(page, '.', sizeof page);
  const int begin = snprintf(page, sizeof page, "begin\npid %d\n", (int)getpid());
  page[begin] = '.';
  memcpy(page + kPageBytes - 4, "end\n", 4);

  if (strcmp(point, "taken") == 0) stop();
  if (read_body(body, body->length / 2) != 0) return 1;
  if (strcmp(point, "half") == 0) stop();
  if (read_body(body, body->length - body->length / 2) != 0) return 1;

  const forklift_header headers[] = {{"Content-Type", "text/plain"}, {"Content-Length", "2000"}};
  const size_t header_count = env->get(env, "HTTP_X_LENGTH", NULL) != NULL ? 2 : 1;
  if (out->begin(out, 200, headers, header_count) != 0 || out->write(out, page, 1) != 0) return 1;
  if (strcmp(point, "before") == 0) stop();
  const int stops_later = strcmp(point, "first") == 0 || strcmp(point, "last") == 0 || strcmp(point, "done") == 0;
  if (stops_later && out->flush(out) != 0) return 1;
  if (strcmp(point, "first") == 0) stop();
  if (out->write(out, page + 1, kPageBytes - 1) != 0) return 1;
  if (stops_later && out->flush(out) != 0) return 1;
  if (strcmp(point, "last") == 0) stop();
  if (strcmp(point, "deferred") == 0) return defer->after_response(defer, stop_in_deferred_work, NULL);
  return strcmp(point, "done") == 0 ? arm_shim("shutdown", stop) : 0;
}

FORKLIFT_PLUGIN("stops_where_told", "1.0", .create = create, .produce = produce);
