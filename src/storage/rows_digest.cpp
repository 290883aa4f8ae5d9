#include "storage/rows_digest.hpp"

#include <algorithm>
#include <cstring>

namespace paceline {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
constexpr std::int64_t word_bytes = 4;

/// The finaliser of splitmix64, a bijection (Steele, Lea and Flood 2014, section 3; constants: Stafford's variant 13).
constexpr std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Of numbers of 8 bytes, the first of which is element `at`.
std::uint64_t of_numbers(std::uint64_t column, std::int64_t at, std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  auto key = column + static_cast<std::uint64_t>(at) * golden;
  for (std::size_t place = 0; place < bytes.size(); place += 8, key += golden) {
    std::uint64_t value = 0;
    std::memcpy(&value, &bytes[place], sizeof value);
    sum += mixed(value ^ key);
  }
  return sum;
}

/// Of bytes, the first of which is byte `at` of its column. Linear in words of 4 bytes, since a word may lie in several
/// items (multilinear hashing: Lemire and Kaser 2014, section 2).
std::uint64_t of_bytes(std::uint64_t column, std::int64_t at, std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  // `skipped`: the first bytes of the word, which are another item's.
  const auto add = [&](std::int64_t position, std::size_t skipped, std::span<const std::byte> part) {
    std::uint32_t word = 0;
    std::memcpy(reinterpret_cast<std::byte*>(&word) + skipped, part.data(), part.size());
    // Odd, so that a word that is another changes the sum.
    const auto weight = mixed(column + static_cast<std::uint64_t>(position / word_bytes) * golden) | 1;
    sum += word * weight;
  };
  constexpr auto whole = static_cast<std::size_t>(word_bytes);
  const auto skipped = static_cast<std::size_t>(at % word_bytes);
  auto place = std::min((whole - skipped) % whole, bytes.size());
  if (place > 0) add(at, skipped, bytes.first(place));
  auto key = column + static_cast<std::uint64_t>((at + static_cast<std::int64_t>(place)) / word_bytes) * golden;
  for (; place + whole <= bytes.size(); place += whole, key += golden) {
    std::uint32_t word = 0;
    std::memcpy(&word, &bytes[place], sizeof word);
    sum += word * (mixed(key) | 1);
  }
  if (place < bytes.size()) add(at + static_cast<std::int64_t>(place), 0, bytes.subspan(place));
  return sum;
}

}  // namespace

std::uint64_t rows_digest(const ResultShape& shape, std::int64_t item, std::span<const std::byte> bytes) {
  std::uint64_t sum = 0, number = 0;
  for (const auto& column : shape.columns) {
    const auto elements = shape.elements_of(column, {item, item + 1});
    const auto width = column.element_bytes();
    const auto here = bytes.first(static_cast<std::size_t>(elements.size() * width));
    bytes = bytes.subspan(here.size());
    const auto key = mixed(++number);
    const bool is_number = width == 8 && column.type != ElementType::text;
    sum += is_number ? of_numbers(key, elements.begin, here) : of_bytes(key, elements.begin * width, here);
    // Of all items together, how many elements there are, which NUL bytes at the end don't tell.
    sum +=
        mixed(key + static_cast<std::uint64_t>(elements.end)) - mixed(key + static_cast<std::uint64_t>(elements.begin));
  }
  return sum;
}

}  // namespace paceline
