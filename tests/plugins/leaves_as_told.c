/* Leaves its request by a way that no plugin should take, as HTTP_X_LEAVE says: exit, longjmp (to a frame that is gone),
 * pthread_exit, overflow (of the stack). */
#include <forklift/plugin.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf gone;

static int create(const forklift_host *host, void **instance) {
  (void)host, (void)instance;
  return setjmp(gone) == 0 ? 0 : 1;
}

static int overflow(int depth) {
  volatile char frame[4096];
  frame[0] = (char)depth;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *how = env->get(env, "HTTP_X_LEAVE", NULL);
  if (how == NULL) how = "";
  if (strcmp(how, "exit") == 0) exit(3);
  if (strcmp(how, "longjmp") == 0) longjmp(gone, 1);
  if (strcmp(how, "pthread_exit") == 0) pthread_exit(NULL);
  if (strcmp(how, "overflow") == 0 && overflow(0) != 0) return 1;
  static const char page[] = "Content-Type: text/plain\n\nstays\n";
  return out->write(out, page, sizeof page - 1);
}

FORKLIFT_PLUGIN("leaves_as_told", "1.0", .create = create, .produce = produce);
