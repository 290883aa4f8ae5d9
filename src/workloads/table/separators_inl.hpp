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

using Bytes = hn::CappedTag<std::uint8_t, 64>;

/// Of the bytes so far, in each lane.
struct Seen {
  hn::Vec<Bytes> all;  ///< bits that some byte has
  hn::Vec<Bytes> smallest;
};

/// One bit for each of 64 bytes.
struct Masks {
  std::uint64_t comma = 0, feed = 0, quote = 0, carriage = 0;
};

HWY_INLINE Masks masks_of(const std::uint8_t* bytes, std::uint8_t delimiter, Seen& seen) {
  const Bytes d;
  const auto lanes = hn::Lanes(d);
  const auto comma = hn::Set(d, delimiter), feed = hn::Set(d, '\n'), quote = hn::Set(d, '"'),
             carriage = hn::Set(d, '\r');
  Masks masks;
  const auto put = [&](std::uint64_t& bits, std::size_t at, hn::Mask<Bytes> mask) {
    hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits) + at / 8);
  };
  for (std::size_t at = 0; at < 64; at += lanes) {
    const auto v = hn::LoadU(d, bytes + at);
    seen.all = hn::Or(seen.all, v);
    seen.smallest = hn::Min(seen.smallest, v);
    // No vectors: less than a byte of bits at a time.
    if (lanes < 8) {
      masks.comma |= std::uint64_t{bytes[at] == delimiter} << at;
      masks.feed |= std::uint64_t{bytes[at] == '\n'} << at;
      masks.quote |= std::uint64_t{bytes[at] == '"'} << at;
      masks.carriage |= std::uint64_t{bytes[at] == '\r'} << at;
      continue;
    }
    put(masks.comma, at, hn::Eq(v, comma));
    put(masks.feed, at, hn::Eq(v, feed));
    put(masks.quote, at, hn::Eq(v, quote));
    put(masks.carriage, at, hn::Eq(v, carriage));
  }
  return masks;
}

/// Writes `first` + k for each bit k, in order, and more behind them: at most 16. Gives how many there are.
HWY_INLINE std::size_t put_positions(std::uint64_t bits, std::uint32_t first, std::uint32_t* out) {
  const auto total = static_cast<std::size_t>(std::popcount(bits));
#if HWY_TARGET <= HWY_AVX3
  const hn::FixedTag<std::uint32_t, 16> d;
  for (std::uint32_t at = 0; at < 64; at += 16, bits >>= 16) {
    std::uint8_t part[8];
    std::memcpy(part, &bits, sizeof part);
    hn::StoreU(hn::Compress(hn::Add(hn::Set(d, first + at), hn::Iota(d, 0)), hn::LoadMaskBits(d, part)), d, out);
    out += std::popcount(bits & 0xffff);
  }
#else
  // More at a time than there may be: branches cost more than stores (as simdjson does, Langdale and Lemire 2019,
  // section 3.1.3).
  for (std::size_t k = 0; k < total; k += 8) {
    for (std::size_t j = 0; j < 8; ++j) {
      out[k + j] = first + static_cast<std::uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
    }
  }
#endif
  return total;
}

/// Bit i is the parity of bits 0 to i.
HWY_INLINE std::uint64_t prefix_xor(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

/// Bits of the 64 bytes from `first` on.
HWY_INLINE void put_doubled(std::uint64_t bits, std::size_t first, std::vector<std::uint64_t>& doubled) {
  const auto word = first / 64, shift = first % 64;
  if (HWY_UNLIKELY(doubled.size() < word + 2)) doubled.resize(word + 1024);
  doubled[word] |= bits << shift;
  doubled[word + 1] |= bits >> 1 >> (63 - shift);
}

HWY_ATTR inline void find(const char* text, std::size_t size, std::uint32_t base, ScanState& state, Separators& found) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text);
  auto count = found.positions.size();
  auto lines = found.line_ends.size();
  auto* positions = found.positions.data();
  auto* line_ends = found.line_ends.data();
  auto now = state;  // for registers: what is written might be a part of it
  const auto delimiter = static_cast<std::uint8_t>(now.delimiter);
  const Bytes d;
  Seen seen = {hn::Zero(d), hn::Set(d, ' ')};
  std::uint64_t quotes = 0;
  std::uint8_t last[64];
  for (std::size_t at = 0; at < size; at += 64, bytes += 64) {
    const auto here = std::min(std::size_t{64}, size - at);
    const auto* block = bytes;
    if (here < 64) {
      std::memset(last, ' ', sizeof last);
      std::memcpy(last, bytes, here);
      block = last;
    }
    auto masks = masks_of(block, delimiter, seen);
    masks.quote &= now.quotes;
    quotes |= masks.quote;
    auto ends = masks.comma | masks.feed;
    auto feeds = masks.feed;
    if ((masks.quote | masks.carriage | now.inside | now.after_closing | now.after_return) != 0) {
      // In quotes, each opening quote among them and each closing one not.
      const auto inside = prefix_xor(masks.quote) ^ now.inside;
      const auto opening = masks.quote & inside;
      const auto closing = masks.quote & ~inside;
      if (masks.quote != 0) put_doubled(opening & ((closing << 1) | now.after_closing), base + at, found.doubled);
      const auto carriage = masks.carriage & ~inside;
      ends &= ~inside;
      feeds &= ~inside;
      // A quote opens at the beginning of a field, or doubles one that has just closed.
      const auto may_open = ((ends | closing) << 1) | now.may_open;
      const auto may_follow = masks.comma | masks.feed | masks.carriage | masks.quote;
      const auto valid = here < 64 ? (std::uint64_t{1} << here) - 1 : ~std::uint64_t{0};
      const auto wrong = ((opening & ~may_open) | (((closing << 1) | now.after_closing) & ~may_follow) |
                          (((carriage << 1) | now.after_return) & ~masks.feed)) &
                         valid;
      now.inside = (inside >> 63) != 0 ? ~std::uint64_t{0} : 0;
      now.may_open = (ends | closing) >> 63;
      now.after_closing = closing >> 63;
      now.after_return = carriage >> 63;
      if (HWY_UNLIKELY(wrong != 0) && found.wrong == Separators::none) {
        found.wrong = base + static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(wrong));
      }
    } else {
      now.may_open = ends >> 63;
    }
    // Room for the worst block at once, so that bits are written without asking.
    if (HWY_UNLIKELY(found.positions.size() < count + 80)) {
      found.positions.resize(count + 4096);
      positions = found.positions.data();
    }
    if (HWY_UNLIKELY(found.line_ends.size() < lines + 66)) {
      found.line_ends.resize(lines + 1024);
      line_ends = found.line_ends.data();
    }
    // Two at a time, and always: see put_positions().
    const auto all_lines = static_cast<std::size_t>(std::popcount(feeds));
    for (std::size_t k = 0;;) {
      for (std::size_t j = 0; j < 2; ++j) {
        const auto below = (feeds & (~feeds + 1)) - 1;
        line_ends[lines + k + j] =
            static_cast<std::uint32_t>(count) + static_cast<std::uint32_t>(std::popcount(ends & below));
        feeds &= feeds - 1;
      }
      k += 2;
      if (HWY_LIKELY(k >= all_lines)) break;
    }
    lines += all_lines;
    count += put_positions(ends, base + static_cast<std::uint32_t>(at), positions + count);
  }
  state = now;
  found.positions.resize(count);
  found.line_ends.resize(lines);
  found.has_high_bytes = found.has_high_bytes || !hn::AllTrue(d, hn::Lt(seen.all, hn::Set(d, 0x80)));
  found.has_quotes = found.has_quotes || quotes != 0;
  found.has_nul = found.has_nul || !hn::AllTrue(d, hn::Ne(seen.smallest, hn::Zero(d)));
}

}  // namespace paceline::table::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
