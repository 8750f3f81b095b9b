/* A page with all that a process has been given: arguments, descriptors, signals, folder, group, environment and the
 * size of its standard input. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char** environ;

static void tell_descriptors(void) {
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) return;
  for (struct dirent* entry; (entry = readdir(folder));) {
    char path[300], target[300];
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(folder)) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
    const ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    printf("fd %s %s\n", entry->d_name, target);
  }
  closedir(folder);
}

/* SigBlk and SigIgn of proc(5): masks in hexadecimal. */
static void tell_signals(void) {
  FILE* status = fopen("/proc/self/status", "re");
  if (!status) return;
  char line[300];
  while (fgets(line, sizeof line, status)) {
    if (!strncmp(line, "SigBlk:", 7) || !strncmp(line, "SigIgn:", 7)) fputs(line, stdout);
  }
  fclose(status);
}

int main(int count, char** arguments) {
  char folder[1000];
  printf("Content-Type: text/plain\n\n");
  for (int i = 0; i < count; ++i) printf("argument %d %s\n", i, arguments[i]);
  tell_descriptors();
  tell_signals();
  printf("folder %s\n", getcwd(folder, sizeof folder));
  printf("group %d\n", (int)getpgrp());
  for (char** entry = environ; *entry; ++entry) printf("%s\n", *entry);
  long bytes = 0;
  while (getchar() != EOF) ++bytes;
  printf("input %ld\n", bytes);
  return 0;
}
