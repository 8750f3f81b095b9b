#include "base/socket_options.h"

#include <sys/socket.h>

// Since Linux 6.16; the headers of Debian 12 are older.
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace forklift {

void forbid_lingering(int fd) {
  const linger off{.l_onoff = 0, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

bool refuse_descriptors(int fd) {
  const int off = 0;
  return ::setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) == 0;
}

}  // namespace forklift
