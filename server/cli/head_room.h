// Whether heads of the size that a configuration allows reach a worker: each comes in one message (ipc/channel.h).
#pragma once

#include <cstddef>
#include <string>

namespace forklift::cli {

// What is to be noted of `limits.head` where net.core.wmem_max is `wmem_max`, whatever this process may do beyond it;
// empty where that is enough.
std::string note_of_heads(std::size_t head_bytes_max, std::size_t wmem_max);

}  // namespace forklift::cli
