/* Becomes READY, and dies of SIGABRT at once, whatever it has to do by then. A request is never answered. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Whether the main thread waits for a request, in recvmsg(2), or has one. True, too, where /proc does not tell. */
static int is_ready(void) {
  char path[64];
  char text[32] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)getpid());
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 1;
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  const long call = strtol(text, NULL, 10); /* 0 of "running", and of read(2) */
  return size <= 0 || call == SYS_recvmsg || call == SYS_pause;
}

static void *die(void *nothing) {
  const struct timespec moment = {.tv_nsec = 50 * 1000 * 1000};
  do {
    nanosleep(&moment, NULL);
  } while (!is_ready());
  abort();
  return nothing;
}

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  pthread_t thread;
  return pthread_create(&thread, NULL, die, NULL) == 0 ? FORKLIFT_OK : FORKLIFT_ENOMEM;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  for (;;) pause();
  return 1;
}

FORKLIFT_PLUGIN("dies_when_ready", "1.0", .create = create, .produce = produce);
