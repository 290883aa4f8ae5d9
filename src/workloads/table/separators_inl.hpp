// Compiled once for each instruction set.

#if defined(PACELINE_TABLE_SEPARATORS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_TABLE_SEPARATORS_INL
#undef PACELINE_TABLE_SEPARATORS_INL
#else
#define PACELINE_TABLE_SEPARATORS_INL
#endif

#include <algorithm>
#include <bit>
#include <cstring>

#include "hwy/highway.h"
#include "workloads/table/separators.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::table::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One bit for each of 64 bytes.
struct Masks {
  std::uint64_t comma = 0, feed = 0, quote = 0, carriage = 0, high = 0;
};

HWY_INLINE Masks masks_of(const std::uint8_t* bytes, std::uint8_t delimiter) {
  const hn::CappedTag<std::uint8_t, 64> d;
  const auto lanes = hn::Lanes(d);
  const auto comma = hn::Set(d, delimiter), feed = hn::Set(d, '\n'), quote = hn::Set(d, '"'),
             carriage = hn::Set(d, '\r');
  const auto high = hn::Set(d, 0x80);
  Masks masks;
  if (lanes < 8) {
    // No vectors: less than a byte of bits at a time.
    for (std::size_t i = 0; i < 64; ++i) {
      masks.comma |= std::uint64_t{bytes[i] == delimiter} << i;
      masks.feed |= std::uint64_t{bytes[i] == '\n'} << i;
      masks.quote |= std::uint64_t{bytes[i] == '"'} << i;
      masks.carriage |= std::uint64_t{bytes[i] == '\r'} << i;
      masks.high |= std::uint64_t{bytes[i] >= 0x80} << i;
    }
    return masks;
  }
  const auto put = [&](std::uint64_t& bits, std::size_t at, hn::Mask<decltype(d)> mask) {
    hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits) + at / 8);
  };
  for (std::size_t at = 0; at < 64; at += lanes) {
    const auto v = hn::LoadU(d, bytes + at);
    put(masks.comma, at, hn::Eq(v, comma));
    put(masks.feed, at, hn::Eq(v, feed));
    put(masks.quote, at, hn::Eq(v, quote));
    put(masks.carriage, at, hn::Eq(v, carriage));
    put(masks.high, at, hn::Eq(hn::And(v, high), high));
  }
  return masks;
}

/// Bit i is the parity of bits 0 to i.
HWY_INLINE std::uint64_t prefix_xor(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

HWY_ATTR inline void find(const char* text, std::size_t size, std::uint32_t base, ScanState& state, Separators& found) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text);
  // Room for the worst block at once, so that bits are written without asking.
  auto count = found.positions.size();
  auto lines = found.line_ends.size();
  const auto delimiter = static_cast<std::uint8_t>(state.delimiter);
  std::uint8_t last[64];
  for (std::size_t at = 0; at < size; at += 64, bytes += 64) {
    const auto here = std::min(std::size_t{64}, size - at);
    const auto* block = bytes;
    if (here < 64) {
      std::memset(last, ' ', sizeof last);
      std::memcpy(last, bytes, here);
      block = last;
    }
    const auto valid = here < 64 ? (std::uint64_t{1} << here) - 1 : ~std::uint64_t{0};
    auto masks = masks_of(block, delimiter);
    masks.quote &= state.quotes;
    found.has_high_bytes = found.has_high_bytes || masks.high != 0;
    auto ends = masks.comma | masks.feed;
    auto feeds = masks.feed;
    std::uint64_t wrong = 0;
    if ((masks.quote | masks.carriage | state.inside | state.after_closing | state.after_return) != 0) {
      // In quotes, each opening quote among them and each closing one not.
      const auto inside = prefix_xor(masks.quote) ^ state.inside;
      const auto opening = masks.quote & inside;
      const auto closing = masks.quote & ~inside;
      const auto carriage = masks.carriage & ~inside;
      ends &= ~inside;
      feeds &= ~inside;
      // A quote opens at the beginning of a field, or doubles one that has just closed.
      const auto may_open = ((ends | closing) << 1) | state.may_open;
      const auto may_follow = masks.comma | masks.feed | masks.carriage | masks.quote;
      wrong = (opening & ~may_open) | (((closing << 1) | state.after_closing) & ~may_follow) |
              (((carriage << 1) | state.after_return) & ~masks.feed);
      wrong &= valid;
      state.inside = (inside >> 63) != 0 ? ~std::uint64_t{0} : 0;
      state.may_open = (ends | closing) >> 63;
      state.after_closing = closing >> 63;
      state.after_return = carriage >> 63;
    } else {
      state.may_open = ends >> 63;
    }
    if (HWY_UNLIKELY(wrong != 0) && found.wrong == Separators::none) {
      found.wrong = base + static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(wrong));
    }
    if (found.positions.size() < count + 64) found.positions.resize(count + 4096);
    if (found.line_ends.size() < lines + 64) found.line_ends.resize(lines + 1024);
    const auto first = base + static_cast<std::uint32_t>(at);
    auto* lines_out = found.line_ends.data() + lines;
    const auto all_lines = static_cast<std::size_t>(std::popcount(feeds));
    // More at a time than there may be: branches cost more than stores (as simdjson does, Langdale and Lemire 2019,
    // section 3.1.3).
    for (std::size_t k = 0; k < all_lines; k += 2) {
      for (std::size_t j = 0; j < 2; ++j) {
        const auto below = (feeds & (~feeds + 1)) - 1;
        lines_out[k + j] = static_cast<std::uint32_t>(count) + static_cast<std::uint32_t>(std::popcount(ends & below));
        feeds &= feeds - 1;
      }
    }
    lines += all_lines;
    auto* out = found.positions.data() + count;
    const auto total = static_cast<std::size_t>(std::popcount(ends));
    for (std::size_t k = 0; k < total; k += 8) {
      for (std::size_t j = 0; j < 8; ++j) {
        out[k + j] = first + static_cast<std::uint32_t>(std::countr_zero(ends));
        ends &= ends - 1;
      }
    }
    count += total;
  }
  found.positions.resize(count);
  found.line_ends.resize(lines);
}

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
