#include "workloads/fractal/png_strip.hpp"

#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include <cstring>
#include <stdexcept>

namespace paceline::fractal {
namespace {

// Filter types of the PNG specification, 9.2.
constexpr std::uint8_t filter_none = 0;
constexpr std::uint8_t filter_sub = 1;
constexpr std::uint8_t filter_up = 2;

}  // namespace

StripPacker::StripPacker() : tables_(ISAL_DEF_LVL1_DEFAULT) {}

PngStrip StripPacker::pack(std::span<const std::uint8_t> rows, std::int64_t width, std::int64_t pixel_bytes,
                           StripEnd end) {
  const auto row_bytes = static_cast<std::size_t>(width * pixel_bytes);
  const auto count = rows.size() / row_bytes;
  const auto pixel = static_cast<std::size_t>(pixel_bytes);
  filtered_.resize(rows.size() + count);
  for (std::size_t r = 0; r < count; ++r) {
    const auto* const row = &rows[r * row_bytes];
    auto* const to = &filtered_[r * (row_bytes + 1)];
    // The first row knows none above it, which another thread may be drawing.
    to[0] = r > 0 ? filter_up : pixel > 1 ? filter_sub : filter_none;
    if (r > 0) {
      const auto* const above = row - row_bytes;
      for (std::size_t k = 0; k < row_bytes; ++k) to[1 + k] = static_cast<std::uint8_t>(row[k] - above[k]);
    } else if (pixel > 1) {
      std::memcpy(to + 1, row, pixel);
      for (auto k = pixel; k < row_bytes; ++k) to[1 + k] = static_cast<std::uint8_t>(row[k] - row[k - pixel]);
    } else {
      std::memcpy(to + 1, row, row_bytes);
    }
  }
  PngStrip strip;
  strip.raw_bytes = filtered_.size();
  const auto size = static_cast<std::uint32_t>(filtered_.size());
  strip.checksum = isal_adler32(1, filtered_.data(), size);
  isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = tables_.data();
  stream.level_buf_size = static_cast<std::uint32_t>(tables_.size());
  // Without zlib's frame, of which the file has one.
  stream.gzip_flag = IGZIP_DEFLATE;
  const bool is_last = end == StripEnd::last;
  stream.end_of_stream = is_last ? 1 : 0;
  stream.flush = is_last ? NO_FLUSH : SYNC_FLUSH;
  // Stored blocks have a header for each 64 kB; a flush adds an empty one.
  packed_.resize(filtered_.size() + 5 * (filtered_.size() / 65'535 + 1) + 256);
  stream.next_in = filtered_.data();
  stream.avail_in = size;
  stream.next_out = packed_.data();
  stream.avail_out = static_cast<std::uint32_t>(packed_.size());
  if (isal_deflate(&stream) != COMP_OK || stream.avail_in != 0 || stream.avail_out == 0) {
    throw std::logic_error("a strip of a picture didn't fit");
  }
  const auto packed = std::as_bytes(std::span(packed_)).first(stream.total_out);
  strip.packed.assign(packed.begin(), packed.end());
  return strip;
}

void append(PngStrip& strip, std::uint32_t checksum, std::uint64_t raw_bytes) {
  strip.checksum =
      static_cast<std::uint32_t>(adler32_combine(strip.checksum, checksum, static_cast<z_off_t>(raw_bytes)));
  strip.raw_bytes += raw_bytes;
}

std::vector<std::byte> joined(std::span<const PngStrip> strips) {
  PngStrip all;
  std::size_t packed = 0;
  for (const auto& strip : strips) {
    append(all, strip.checksum, strip.raw_bytes);
    packed += strip.packed.size();
  }
  std::vector<std::byte> bytes(sizeof all.checksum + sizeof all.raw_bytes + packed);
  auto* to = bytes.data();
  const auto put = [&](const void* from, std::size_t size) {
    std::memcpy(to, from, size);
    to += size;
  };
  put(&all.checksum, sizeof all.checksum);
  put(&all.raw_bytes, sizeof all.raw_bytes);
  for (const auto& strip : strips) put(strip.packed.data(), strip.packed.size());
  return bytes;
}

PngStrip parsed(std::span<const std::byte> bytes) {
  PngStrip strip;
  std::memcpy(&strip.checksum, bytes.data(), sizeof strip.checksum);
  std::memcpy(&strip.raw_bytes, &bytes[sizeof strip.checksum], sizeof strip.raw_bytes);
  const auto rest = bytes.subspan(sizeof strip.checksum + sizeof strip.raw_bytes);
  strip.packed.assign(rest.begin(), rest.end());
  return strip;
}

}  // namespace paceline::fractal
