// A slab: consecutive items, half open. Everything that is run is items in slabs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace paceline {

/// Items `begin`, `begin + 1`, … `end - 1`.
struct Slab {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  [[nodiscard]] constexpr std::int64_t size() const { return end - begin; }
  [[nodiscard]] constexpr bool empty() const { return end <= begin; }
  friend constexpr bool operator==(const Slab&, const Slab&) = default;
  friend constexpr auto operator<=>(const Slab&, const Slab&) = default;
};

/// What both slabs hold; empty (begin == end) when they don't meet.
constexpr Slab intersect(Slab a, Slab b) {
  const auto begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

/// Part `part` of `parts` nearly equal slabs of `whole`: sizes differ by at most one, larger ones first.
constexpr Slab even_part(Slab whole, std::int64_t part, std::int64_t parts) {
  const auto base = whole.size() / parts;
  const auto extra = whole.size() % parts;
  const auto begin = whole.begin + part * base + std::min(part, extra);
  return {begin, begin + base + (part < extra ? 1 : 0)};
}

/// Sorts slabs and joins those that touch. Slabs must not overlap.
inline std::vector<Slab> merged(std::vector<Slab> slabs) {
  std::erase_if(slabs, [](const Slab& slab) { return slab.empty(); });
  std::sort(slabs.begin(), slabs.end());
  std::vector<Slab> joined;
  for (const auto& slab : slabs) {
    if (!joined.empty() && joined.back().end == slab.begin) {
      joined.back().end = slab.end;
    } else {
      joined.push_back(slab);
    }
  }
  return joined;
}

/// Number of items in all the slabs.
inline std::int64_t total_items(const std::vector<Slab>& slabs) {
  std::int64_t total = 0;
  for (const auto& slab : slabs) total += slab.size();
  return total;
}

}  // namespace paceline
