/* Preloaded into the server (LD_PRELOAD): stops a worker at points that its plugin cannot reach, behind a system call of the
 * host. It does nothing until the plugin of a worker asks for it, so the master never notices it.
 *
 * A plugin finds the function with dlsym(RTLD_DEFAULT, "shim_after_call"). */
#define _GNU_SOURCE
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *armed_call;
static void (*armed_hook)(void);

/* `hook` runs once, behind the next `call` of this process: "shutdown", or a "recvmsg" that has received something. */
__attribute__((visibility("default"))) void shim_after_call(const char *call, void (*hook)(void)) {
  armed_call = call;
  armed_hook = hook;
}

static void happened(const char *call) {
  void (*hook)(void) = armed_hook;
  if (hook == NULL || strcmp(call, armed_call) != 0) return;
  armed_hook = NULL;
  hook();
}

/* The system calls themselves, because the sanitizers have functions of the same names. */
__attribute__((visibility("default"))) int shutdown(int fd, int how) {
  const long result = syscall(SYS_shutdown, fd, how);
  happened("shutdown");
  return (int)result;
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  const long result = syscall(SYS_recvmsg, fd, message, flags);
  if (result > 0) happened("recvmsg");
  return result;
}
