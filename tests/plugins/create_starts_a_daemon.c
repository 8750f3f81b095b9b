/* Its create leaves a process behind that has left its process group. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <stdio.h>
#include <unistd.h>

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  int said[2];
  if (pipe(said) != 0) return 1;
  const pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) {
    setsid();
    if (write(said[1], "x", 1) == 1) close(said[1]);
    while (pause() == -1) continue;
  }
  char letter;
  if (read(said[0], &letter, 1) != 1) return 1;
  printf("the daemon is %d\n", pid);
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body, (void)out;
  return 1;
}

FORKLIFT_PLUGIN("create_starts_a_daemon", "1.0", .create = create, .produce = produce);
