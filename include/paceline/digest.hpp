// The digest of a result: the same for every layout, because it is a sum over items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace paceline {

/// Digest of one item's bytes (XXH3, 64 bits, seeded by the item's index). Never 0: 0 marks an item that is not there.
std::uint64_t item_digest(std::int64_t item, std::span<const std::byte> bytes);

/// Digests of items add up modulo 2^64 in any order, so ranks and threads need no agreement on it.
class Digest {
 public:
  void add(std::uint64_t item_digest) { sum_ += item_digest; }
  [[nodiscard]] std::uint64_t sum() const { return sum_; }
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t sum_ = 0;
};

}  // namespace paceline
