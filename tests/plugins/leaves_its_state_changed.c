/* A page of the process's state as the request found it; then it changes all of it. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  char folder[4096], page[8192];
  sigset_t mask;
  struct itimerval timer;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  getitimer(ITIMER_REAL, &timer);
  const mode_t before = umask(0);
  const int size = snprintf(page, sizeof page, "Content-Type: text/plain\n\npid %d cwd %s umask %03o USR1 %d timer %d\n",
                            getpid(), getcwd(folder, sizeof folder), before, sigismember(&mask, SIGUSR1),
                            timer.it_value.tv_sec != 0);
  const struct itimerval hour = {.it_value = {.tv_sec = 3600}};
  setitimer(ITIMER_REAL, &hour, NULL);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&mask, SIGALRM);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  raise(SIGALRM); /* as a timer does whose time has come */
  if (chdir("/usr") != 0) return 1;
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("leaves_its_state_changed", "1.0", .produce = produce);
