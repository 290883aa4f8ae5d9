// Rows of a PNG, filtered and packed apart from all others. Deflate streams can be cut at any byte: strips that follow
// each other are one stream, and their checksums add up (zlib's manual, deflate() and adler32_combine()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace paceline::fractal {

enum class StripEnd { more_follow, last };

struct PngStrip {
  std::uint32_t checksum = 1;   ///< Adler-32 of what is packed
  std::uint64_t raw_bytes = 0;  ///< how many bytes that is
  std::vector<std::byte> packed;
};

/// For one thread; its memory is used again by each strip.
class StripPacker {
 public:
  StripPacker();
  /// Packs whole rows of `width` pixels, each of so many bytes. Throws std::bad_alloc.
  PngStrip pack(std::span<const std::uint8_t> rows, std::int64_t width, std::int64_t pixel_bytes, StripEnd end);

 private:
  std::vector<std::uint8_t> filtered_;
  std::vector<std::uint8_t> packed_;
  std::vector<std::uint8_t> tables_;  ///< of the packer at its level
};

/// Consecutive strips as plain bytes, and back.
std::vector<std::byte> joined(std::span<const PngStrip> strips);
PngStrip parsed(std::span<const std::byte> bytes);
/// Checksum and size of two strips, one after the other.
void append(PngStrip& strip, std::uint32_t checksum, std::uint64_t raw_bytes);

}  // namespace paceline::fractal
