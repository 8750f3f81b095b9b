#include "config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace forklift::config {

namespace {

// Longer words are no slips of the pen, and the table below would grow with them.
constexpr std::size_t kWordBytesMax = 64;

// The optimal string alignment distance: Levenshtein's, where a swap of two neighbours counts as one change.
std::size_t distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cells[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kWordBytesMax) return {};
  std::string_view best;
  std::size_t best_distance = 0;
  for (const std::string_view candidate : known) {
    const std::size_t changes = distance(word, candidate);
    if (changes > std::max(word.size(), candidate.size()) / 3) continue;
    if (best.empty() || changes < best_distance) {
      best = candidate;
      best_distance = changes;
    }
  }
  return best;
}

}  // namespace forklift::config
