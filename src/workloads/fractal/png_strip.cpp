#include "workloads/fractal/png_strip.hpp"

#include <zlib.h>

#include <cstring>
#include <new>

namespace paceline::fractal {
namespace {

// Filter types of the PNG specification, 9.2.
constexpr std::uint8_t filter_none = 0;
constexpr std::uint8_t filter_sub = 1;
constexpr std::uint8_t filter_up = 2;

}  // namespace

void StripPacker::DeflateEnd::operator()(z_stream* stream) const {
  deflateEnd(stream);
  delete stream;
}

z_stream& StripPacker::deflater(int strategy) {
  if (!stream_) {
    auto fresh = std::make_unique<z_stream>();
    // Without zlib's frame, of which the file has one.
    if (deflateInit2(fresh.get(), 1, Z_DEFLATED, -15, 8, strategy) != Z_OK) throw std::bad_alloc();
    stream_.reset(fresh.release());
  } else {
    deflateReset(stream_.get());
  }
  return *stream_;
}

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
  strip.checksum = static_cast<std::uint32_t>(adler32_z(1, filtered_.data(), filtered_.size()));
  // Bands of equal counts differ from row to row by long runs of zeros: smaller and faster packed by runs alone than by
  // any search (the lessons' image: 0.19 MB in 16 ms, by level 2 0.35 MB in 25 ms).
  auto& stream = deflater(pixel > 1 ? Z_FILTERED : Z_RLE);
  // A flush adds an empty block.
  packed_.resize(deflateBound(&stream, filtered_.size()) + 16);
  stream.next_in = filtered_.data();
  stream.avail_in = static_cast<uInt>(filtered_.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed_.data());
  stream.avail_out = static_cast<uInt>(packed_.size());
  deflate(&stream, end == StripEnd::last ? Z_FINISH : Z_SYNC_FLUSH);
  strip.packed.assign(packed_.begin(), packed_.begin() + static_cast<std::ptrdiff_t>(stream.total_out));
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
