/* Preloaded into the server: who sends to syslog or to the journal reaches the Unix socket SHIM_SERVICE instead, which
 * is the test's. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int is_service(const struct sockaddr *address) {
  if (address->sa_family != AF_UNIX) return 0;
  const char *const path = ((const struct sockaddr_un *)(const void *)address)->sun_path;
  return strcmp(path, "/dev/log") == 0 || strcmp(path, "/run/systemd/journal/socket") == 0;
}

__attribute__((visibility("default"))) int connect(int fd, const struct sockaddr *address, socklen_t size) {
  struct sockaddr_un other = {.sun_family = AF_UNIX};
  const char *const service = getenv("SHIM_SERVICE");
  if (service != NULL && is_service(address)) {
    strncpy(other.sun_path, service, sizeof other.sun_path - 1);
    address = (const struct sockaddr *)&other;
    size = sizeof other;
  }
  return (int)syscall(SYS_connect, fd, address, size);
}
