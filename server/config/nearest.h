// "Did you mean?"
#pragma once

#include <span>
#include <string_view>

namespace forklift::config {

// The word of `known` that `word` was probably meant to be: the one with the fewest letters to insert, drop, change or
// swap with their neighbour, the first of several. Empty if none is near: more than a third of the letters would be
// different.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace forklift::config
