/* Closes descriptors that are not its own: at the URI /connection the connection's, at /standard-output that one. */
#include <forklift/plugin.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_connection(void) {
  for (int fd = 3; fd < 256; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) close(fd);
  }
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *uri = env->get(env, "REQUEST_URI", NULL);
  static const char page[] = "Content-Type: text/plain\n\nclosed\n";
  const int result = out->write(out, page, sizeof page - 1);
  if (strcmp(uri, "/connection") == 0) close_connection();
  if (strcmp(uri, "/standard-output") == 0) close(STDOUT_FILENO);
  return result;
}

FORKLIFT_PLUGIN("closes_descriptors", "1.0", .produce = produce);
