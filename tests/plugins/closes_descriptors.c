/* Closes descriptors that are not its own, as the URI says, and answers with a page, as far as it still can.
 *
 *   /connection       the connection's
 *   /connection-late  the same, after the first byte
 *   /channel          the channel to the master; then it never returns
 *   /standard-output  that one
 *   /standard         0, 1 and 2
 *   /folder           that of the working folder
 *   /from-3           all but 0, 1 and 2 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_sockets(int of_type) {
  for (int fd = 3; fd < 256; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == of_type) close(fd);
  }
}

static void close_folders(void) {
  for (int fd = 3; fd < 256; ++fd) {
    struct stat status;
    if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) close(fd);
  }
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance, (void)body;
  const char *uri = env->get(env, "REQUEST_URI", NULL);
  static const char page[] = "Content-Type: text/plain\n\nclosed\n";
  if (out->write(out, page, sizeof page - 1) != 0) return 1;
  if (strcmp(uri, "/connection-late") == 0 && out->flush(out) != 0) return 1;
  if (strncmp(uri, "/connection", 11) == 0) close_sockets(SOCK_STREAM);
  if (strcmp(uri, "/channel") == 0) {
    close_sockets(SOCK_SEQPACKET);
    while (pause() == -1) continue;
  }
  if (strcmp(uri, "/standard-output") == 0) close(STDOUT_FILENO);
  if (strcmp(uri, "/standard") == 0) close_range(0, 2, 0);
  if (strcmp(uri, "/folder") == 0) close_folders();
  if (strcmp(uri, "/from-3") == 0) closefrom(3);
  return out->write(out, "end\n", 4);
}

FORKLIFT_PLUGIN("closes_descriptors", "1.0", .produce = produce);
