/* Preloaded into the server (LD_PRELOAD): system calls that fail, and a wall clock that is wrong, as the file says which the
 * environment variable SHIM_FAULTS names (see faults.h). Without it, and while no fault is set, every call goes through. */
#define _GNU_SOURCE
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static struct shim_faults *faults;
static pid_t master;

/* A program that a plugin starts inherits the environment, and is no master. */
__attribute__((constructor)) static void map_faults(void) {
  const char *path = getenv("SHIM_FAULTS");
  if (path == NULL) return;
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) abort();
  void *map = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
  if (map == MAP_FAILED) abort();
  close((int)fd);
  if (strcmp(program_invocation_short_name, "forklift") == 0) master = getpid();
  faults = map;
}

/* Whether this call is one that fails; errno says how. */
static bool fails(enum shim_call call) {
  if (faults == NULL) return false;
  struct shim_fault *fault = &faults->calls[call];
  const uint32_t places = __atomic_load_n(&fault->places, __ATOMIC_ACQUIRE);
  if (places == 0 || (places & (getpid() == master ? SHIM_MASTER : SHIM_WORKERS)) == 0) return false;
  const uint32_t number = __atomic_fetch_add(&fault->seen, 1, __ATOMIC_RELAXED);
  if (number < fault->after || number - fault->after >= fault->count) return false;
  errno = fault->error;
  return true;
}

/* The system calls themselves, because the sanitizers have functions of the same names. */
EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags) {
  return fails(SHIM_ACCEPT4) ? -1 : (int)syscall(SYS_accept4, fd, address.__sockaddr__, size, flags);
}

EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  return fails(SHIM_EPOLL_CTL) ? -1 : (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

EXPORT int kill(pid_t pid, int number) {
  return fails(SHIM_KILL) ? -1 : (int)syscall(SYS_kill, pid, number);
}

EXPORT int memfd_create(const char *name, unsigned flags) {
  return fails(SHIM_MEMFD_CREATE) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

EXPORT int open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return fails(SHIM_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  return fails(SHIM_PWRITE) ? -1 : syscall(SYS_pwrite64, fd, data, size, offset);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  return fails(SHIM_SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

EXPORT ssize_t write(int fd, const void *data, size_t size) {
  return fails(SHIM_WRITE) ? -1 : syscall(SYS_write, fd, data, size);
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *now) {
  const int result = (int)syscall(SYS_clock_gettime, clock, now);
  const bool is_wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall_clock && faults != NULL) {
    now->tv_sec += __atomic_load_n(&faults->clock_step, __ATOMIC_RELAXED);
  }
  return result;
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec precise;
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  *now = (struct timeval){.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
  return result;
}

EXPORT time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

/* The C library's own, because it prepares itself for being duplicated. */
EXPORT pid_t fork(void) {
  static pid_t (*next)(void);
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "fork");
  return fails(SHIM_FORK) ? -1 : next();
}
