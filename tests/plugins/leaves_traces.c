/* A page of what is left of earlier requests in this process: a signal handler, a variable of the environment, a
 * locale, a thread, and SIGTERM and SIGQUIT ignored. Then it leaves all of these. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int thread_runs;

static void handle(int number) {
  (void)number;
}

static void *sleep_for_ever(void *unused) {
  while (pause() == -1) continue;
  return unused;
}

static int has(int number, void (*handler)(int)) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == handler;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  char page[200];
  const int size =
      snprintf(page, sizeof page, "Content-Type: text/plain\n\nhandler %d variable %d locale %d thread %d deaf %d\n",
               has(SIGUSR2, handle), getenv("LEFT_BEHIND") != NULL, strcmp(setlocale(LC_ALL, NULL), "C") != 0,
               thread_runs, has(SIGTERM, SIG_IGN) && has(SIGQUIT, SIG_IGN));
  pthread_t thread;
  signal(SIGUSR2, handle);
  signal(SIGTERM, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  if (setenv("LEFT_BEHIND", "yes", 1) != 0 || setlocale(LC_ALL, "C.UTF-8") == NULL) return 1;
  if (!thread_runs && pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0) return 1;
  thread_runs = 1;
  return out->write(out, page, (size_t)size);
}

FORKLIFT_PLUGIN("leaves_traces", "1.0", .produce = produce);
