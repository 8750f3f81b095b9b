/* A page of what the worker is and may do, one `name value` a line. */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void tell_groups(FILE *page) {
  gid_t groups[256];
  const int count = getgroups(256, groups);
  for (int i = 0; i < count; ++i) fprintf(page, "group %u\n", groups[i]);
}

static void tell_limit(FILE *page, const char *name, int resource) {
  struct rlimit limit;
  getrlimit(resource, &limit);
  fprintf(page, "%s %llu/%llu\n", name, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
}

static void tell_descriptors(FILE *page) {
  for (int fd = 0; fd < 1024; ++fd) {
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size >= 0) fprintf(page, "descriptor %d=%.*s\n", fd, (int)size, target);
  }
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)env, (void)body;
  char *text = NULL;
  size_t size = 0;
  FILE *page = open_memstream(&text, &size);
  uid_t uids[3];
  gid_t gids[3];
  getresuid(&uids[0], &uids[1], &uids[2]);
  getresgid(&gids[0], &gids[1], &gids[2]);
  char folder[4096];
  const mode_t mask = umask(0);
  umask(mask);
  fprintf(page, "Content-Type: text/plain\n\nuid %u %u %u\ngid %u %u %u\n", uids[0], uids[1], uids[2], gids[0], gids[1],
          gids[2]);
  tell_groups(page);
  fprintf(page, "cwd %s\numask %03o\n", getcwd(folder, sizeof folder), mask);
  for (char **variable = environ; *variable != NULL; ++variable) fprintf(page, "env %s\n", *variable);
  tell_limit(page, "nofile", RLIMIT_NOFILE);
  tell_limit(page, "core", RLIMIT_CORE);
  fprintf(page, "no_new_privs %d\ndumpable %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
  tell_descriptors(page);
  fclose(page);
  const int result = out->write(out, text, size);
  free(text);
  return result;
}

FORKLIFT_PLUGIN("tells_its_confinement", "1.0", .produce = produce);
