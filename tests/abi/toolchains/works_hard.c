/* What a debugger and a profiler are to find by name and line: waits, or computes, until the client has gone. */
#include <forklift/plugin.h>
#include <string.h>

static volatile unsigned long longest;

__attribute__((noinline)) static int wait_for_the_client(forklift_out *out) {
  while (!(out->wait(out, 0, NULL, 0, -1) & FORKLIFT_WAIT_GONE)) continue; /* here a debugger finds it */
  return FORKLIFT_EGONE;
}

__attribute__((noinline)) static void walk_collatz(unsigned long start) {
  unsigned long steps = 0;
  for (unsigned long n = start; n != 1; n = n % 2 ? 3 * n + 1 : n / 2) ++steps;
  if (steps > longest) longest = steps;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *uri = env->get(env, "REQUEST_URI", NULL);
  if (strcmp(uri, "/wait") == 0) return wait_for_the_client(out);
  for (unsigned long start = 1; !(out->wait(out, 0, NULL, 0, 0) & FORKLIFT_WAIT_GONE);) {
    for (const unsigned long end = start + 10000; start < end; ++start) walk_collatz(start);
  }
  return FORKLIFT_EGONE;
}

FORKLIFT_PLUGIN("works_hard", "1.0", .produce = produce);
