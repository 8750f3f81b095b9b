// Texts for the log, and those of a request.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cgi {

// `bytes` in double quotes with the escapes of C, at most `bytes_max` of them; "..." behind it says that there were
// more.
std::string quote(std::string_view bytes, std::size_t bytes_max = 80);

// Whether two names are the same but for the case of their ASCII letters.
bool same_name(std::string_view a, std::string_view b);

// Without the blanks and tabs around it.
std::string_view trim(std::string_view text);

// A path of a URI with each %XX replaced by its byte, once. Nothing where a % is not followed by two hexadecimal
// digits.
std::optional<std::string> decode_path(std::string_view path);

}  // namespace cgi
