/* A constructor that leaves a file, where the environment names one as TRACE: whether anything of this plugin has been run. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void leave_a_trace(void) {
  const char *path = getenv("TRACE");
  if (path != NULL) close(creat(path, 0600));
}
