// What the master says to sockets that others have held, or will send to.
#pragma once

namespace forklift {

// close(2) of the socket returns at once, whatever somebody who had it before has asked for: with SO_LINGER it waits,
// up to hours, until the peer has taken everything (socket(7)), non-blocking or not. Nothing where `fd` is no socket.
void forbid_lingering(int fd);

// Nobody can send descriptors to this Unix socket any more (unix(7), SO_PASSRIGHTS), nor to those that are accepted
// from it: what a stranger sends is closed by whoever receives it, and that may wait, as above. Linux can do this
// since 6.16; false, and nothing has happened, where it can't.
bool refuse_descriptors(int fd);

}  // namespace forklift
