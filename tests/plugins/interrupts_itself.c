/* Gives the body back while a timer of its own interrupts its system calls, a thousand times a second. */
#include <forklift/plugin.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>

static void handle(int number) {
  (void)number;
}

/* Without SA_RESTART: what is interrupted returns EINTR. */
static int arm_timer(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handle;
  const struct itimerval every_millisecond = {{0, 1000}, {0, 1000}};
  return sigaction(SIGALRM, &action, NULL) == 0 ? setitimer(ITIMER_REAL, &every_millisecond, NULL) : -1;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)env;
  if (arm_timer() != 0) return 1;
  const forklift_header type = {"Content-Type", "application/octet-stream"};
  int result = out->begin(out, 200, &type, 1);
  char piece[16 * 1024];
  while (result == 0) {
    const int64_t n = body->read(body, piece, sizeof piece);
    if (n <= 0) return (int)n;
    result = out->write(out, piece, (size_t)n);
  }
  return result;
}

FORKLIFT_PLUGIN("interrupts_itself", "1.0", .produce = produce);
