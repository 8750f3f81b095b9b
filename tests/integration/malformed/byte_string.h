// Bytes as people write them in the corpus.
#pragma once

#include <string>
#include <string_view>

namespace harness {

// The bytes of `"..."`, or of several of them with blanks between. Escapes are \n, \r, \t, \\, \", \0 (a NUL, whatever
// follows) and \xNN. `"..."*N` is it N times, and \i in there the number of the repetition, from 0 on. Throws
// std::runtime_error where `text` is something else.
std::string read_byte_string(std::string_view text);

}  // namespace harness
