/* Does what HTTP_X_DO says; without it, answers with a short page.
 *
 *   fail       produce returns an error
 *   die        is killed, before the first byte
 *   die_late   is killed, after the first bytes
 *   hang       never returns
 *   give_up    reads what there is of the body, waits a little for more, and fails after the first bytes
 *   stream     writes a page without end
 *   read       reads the body, to its end or until it breaks off, before the page
 *   print      a line on standard output, by printf(3), and one on standard error
 *   print_long a line of a megabyte on standard error
 *   print_both two processes, 500 lines each, on the same standard output
 *   print_die  the beginning of a line on each stream, and is killed
 *   print_raw  what a terminal would obey */
#include <forklift/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void print(int to, const char *bytes, size_t count) {
  while (count > 0) {
    const ssize_t n = write(to, bytes, count);
    if (n <= 0) _exit(90);
    bytes += n, count -= (size_t)n;
  }
}

static void print_lines(const char *who) {
  for (int i = 0; i < 500; ++i) {
    char line[300];
    const int bytes = snprintf(line, sizeof line, "%s %03d %0200d.\n", who, i, 0);
    print(STDOUT_FILENO, line, (size_t)bytes);
  }
}

static int print_what_was_asked(const char *what) {
  if (strcmp(what, "print") == 0) {
    printf("to output\n");
    fprintf(stderr, "to error\n");
  } else if (strcmp(what, "print_long") == 0) {
    char *line = malloc(1000001);
    if (line == NULL) return 1;
    memset(line, 'x', 1000000);
    line[1000000] = '\n';
    print(STDERR_FILENO, line, 1000001);
    free(line);
  } else if (strcmp(what, "print_both") == 0) {
    const pid_t child = fork();
    print_lines(child == 0 ? "child" : "parent");
    if (child == 0) _exit(0);
    return waitpid(child, NULL, 0) == child ? 0 : 1;
  } else if (strcmp(what, "print_die") == 0) {
    print(STDOUT_FILENO, "half a line of output", 21);
    print(STDERR_FILENO, "half a line of error", 20);
    raise(SIGKILL);
  } else if (strcmp(what, "print_raw") == 0) {
    print(STDOUT_FILENO, "a\0b\x1b[31m\r caf\xc3\xa9 \xff\n", 18);
  }
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance;
  const char *what = env->get(env, "HTTP_X_DO", NULL);
  if (what == NULL) what = "";
  if (strcmp(what, "fail") == 0) return 1;
  if (strcmp(what, "die") == 0) raise(SIGKILL);
  while (strcmp(what, "hang") == 0) pause();
  char more[16 * 1024];
  for (long n = 1; n > 0 && strcmp(what, "read") == 0;) n = body->read(body, more, sizeof more);
  if (strcmp(what, "give_up") == 0) {
    if (body->read(body, more, sizeof more) < 0) return 1;
    if (out->wait(out, FORKLIFT_WAIT_BODY, NULL, 0, 10) != 0) return 1;
  }
  if (print_what_was_asked(what) != 0) return 1;

  const forklift_header type = {"Content-Type", "text/plain"};
  int result = out->begin(out, 200, &type, 1);
  if (result == 0) result = out->write(out, "page\n", 5);
  if (strcmp(what, "die_late") == 0 && result == 0 && out->flush(out) == 0) raise(SIGKILL);
  if (strcmp(what, "give_up") == 0) return result == 0 && out->flush(out) == 0 ? 2 : 1;
  memset(more, '.', sizeof more);
  while (strcmp(what, "stream") == 0 && result == 0) result = out->write(out, more, sizeof more);
  return result;
}

FORKLIFT_PLUGIN("misbehaves_as_told", "1.0", .produce = produce);
