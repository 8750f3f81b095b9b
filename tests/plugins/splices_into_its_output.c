/* Leaves a process behind that moves what will never come into standard output (splice(2)), as pv(1) does. Where that is a
 * pipe, it holds the pipe's lock as long as it waits, and whoever reads waits with it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  int quiet[2];
  signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, quiet) != 0) return 1;
  const pid_t pid = fork();
  if (pid < 0) return 1;
  if (pid == 0) {
    setsid();
    splice(quiet[0], NULL, STDOUT_FILENO, NULL, 4096, 0);
    _exit(0);
  }
  close(quiet[0]);
  close(quiet[1]);
  const forklift_header type = {"Content-Type", "text/plain"};
  return out->begin(out, 200, &type, 1);
}

FORKLIFT_PLUGIN("splices_into_its_output", "1.0", .produce = produce);
