// Rows of a PNG, filtered and packed apart from all others. Deflate streams can be cut at any byte: strips that follow
// each other are one stream, and their checksums add up (zlib's manual, deflate() and adler32_combine()).
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace paceline::fractal {

enum class StripEnd { more_follow, last };

struct PngStrip {
  std::uint32_t checksum = 1;   ///< Adler-32 of what is packed
  std::uint64_t raw_bytes = 0;  ///< how many bytes that is
  std::vector<std::byte> packed;
};

/// For one thread and one size of pixels; its memory is used again by each strip.
class StripPacker {
 public:
  /// Packs whole rows of `width` pixels, each of so many bytes. Throws std::bad_alloc.
  PngStrip pack(std::span<const std::uint8_t> rows, std::int64_t width, std::int64_t pixel_bytes, StripEnd end);

 private:
  struct DeflateEnd {
    void operator()(z_stream* stream) const;
  };
  z_stream& deflater(int strategy);

  std::unique_ptr<z_stream, DeflateEnd> stream_;
  std::vector<std::uint8_t> filtered_;
  std::vector<std::byte> packed_;
};

/// Consecutive strips as plain bytes, and back.
std::vector<std::byte> joined(std::span<const PngStrip> strips);
PngStrip parsed(std::span<const std::byte> bytes);
/// Checksum and size of two strips, one after the other.
void append(PngStrip& strip, std::uint32_t checksum, std::uint64_t raw_bytes);

}  // namespace paceline::fractal
