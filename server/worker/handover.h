// What a plugin that speaks on the connection itself (handle_connection) gets of a lend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ipc/message.h"

namespace forklift::worker {

struct Handover {
  std::string_view head;   // for the plugin: the head, and of the body what has come along
  std::size_t unread = 0;  // how many bytes of the lend stay in the socket
};

// Divides the `bytes` of a lend so that the plugin gets each byte of its request once, from `head` or from the socket.
// On a Unix socket a byte stays unread wherever possible, so that a last close resets the connection: of the body, if
// some of it has come along; without a body the head's last byte, which the plugin has got all the same and never looks
// for; or what has come behind the request. Only where a body is still to come, nothing of it may be mistaken.
Handover divide(const ipc::Lend& lend, std::string_view bytes, std::uint64_t content_length);

}  // namespace forklift::worker
