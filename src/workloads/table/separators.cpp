// Which instruction set runs.

#include "host/simd_targets.hpp"

#define HWY_TARGET_INCLUDE "workloads/table/separators.cpp"
#include "hwy/foreach_target.h"  // first: compiles this file once for each instruction set
#include "hwy/highway.h"
#include "workloads/table/separators_inl.hpp"

#if HWY_ONCE

#include <algorithm>

namespace paceline::table {
namespace {

HWY_EXPORT(find);

}  // namespace

FindSeparators find_separators_on(std::int64_t target) { return HWY_DISPATCH_TABLE(find)[simd_index(target)]; }

void find_separators(const char* bytes, std::size_t size, std::uint32_t base, ScanState& state, Separators& found) {
  static const auto best = find_separators_on(simd_targets().front());
  best(bytes, size, base, state, found);
}

void find_separators_reference(const char* bytes, std::size_t size, std::uint32_t base, ScanState& state,
                               Separators& found) {
  for (std::size_t i = 0; i < size; ++i) {
    const char byte = bytes[i];
    const auto position = base + static_cast<std::uint32_t>(i);
    const bool was_inside = state.inside != 0;
    const bool is_quote = byte == '"' && state.quotes != 0;
    const bool is_end = !was_inside && (byte == state.delimiter || byte == '\n');
    const bool closes = was_inside && is_quote;
    const bool may_follow = byte == state.delimiter || byte == '\n' || byte == '\r' || is_quote;
    const bool is_wrong = (!was_inside && is_quote && state.may_open == 0) ||
                          (state.after_closing != 0 && !may_follow) || (state.after_return != 0 && byte != '\n');
    if (is_wrong && found.wrong == Separators::none) found.wrong = position;
    if (byte == '\n' && is_end) found.line_ends.push_back(static_cast<std::uint32_t>(found.positions.size()));
    if (is_end) found.positions.push_back(position);
    if (static_cast<unsigned char>(byte) >= 0x80) found.has_high_bytes = true;
    if (byte == '\0') found.has_nul = true;
    if (is_quote) found.has_quotes = true;
    if (is_quote && state.after_closing != 0) {
      found.doubled.resize(std::max(found.doubled.size(), std::size_t{position} / 64 + 1));
      found.doubled[position / 64] |= std::uint64_t{1} << position % 64;
    }
    if (is_quote) state.inside = ~state.inside;
    state.may_open = is_end || closes ? 1 : 0;
    state.after_closing = closes ? 1 : 0;
    state.after_return = !was_inside && byte == '\r' ? 1 : 0;
  }
}

}  // namespace paceline::table

#endif  // HWY_ONCE
