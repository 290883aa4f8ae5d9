#include "workloads/table/places.hpp"

#include <algorithm>
#include <cstring>

namespace paceline::table {
namespace {

// That a guess looks at.
constexpr int guess_quotes = 64;

std::size_t find(std::span<const char> bytes, char byte, std::size_t from, std::size_t to) {
  if (from >= to) return to;
  const auto* at = static_cast<const char*>(std::memchr(bytes.data() + from, byte, to - from));
  return at == nullptr ? to : static_cast<std::size_t>(at - bytes.data());
}

/// 1 if their number is odd.
std::int64_t parity_of_quotes(std::span<const char> bytes) {
  // Most files have none, which the C library finds much quicker than it could be counted.
  const auto first = find(bytes, '"', 0, bytes.size());
  // One byte, not a count: compilers then handle 16 of them at once.
  std::uint8_t odd = 0;
  for (const char byte : bytes.subspan(first)) odd ^= static_cast<std::uint8_t>(byte == '"');
  return odd;
}

Place place_at_end(std::span<const char> bytes, bool is_inside) {
  if (is_inside) return Place::quotes;
  return !bytes.empty() && bytes.back() == '\n' ? Place::line_start : Place::outside;
}

}  // namespace

std::int64_t Changes::packed() const {
  std::int64_t all = begins_comment ? 1 : 0;
  for (std::size_t k = 0; k < ends.size(); ++k) all |= static_cast<std::int64_t>(ends[k]) << (2 * k + 1);
  return all;
}

Changes Changes::unpacked(std::int64_t packed) {
  Changes changes;
  changes.begins_comment = (packed & 1) != 0;
  for (std::size_t k = 0; k < changes.ends.size(); ++k) {
    changes.ends[k] = static_cast<Place>(packed >> (2 * k + 1) & 3);
  }
  return changes;
}

Changes changes_of(std::span<const char> range, const Dialect& dialect) {
  Changes changes;
  changes.begins_comment = dialect.comment != 0 && !range.empty() && range[0] == dialect.comment;
  if (!dialect.has_quotes && dialect.comment == 0) return Changes::to(place_at_end(range, false));
  const bool has_comments = dialect.comment != 0 && next_comment(range, 1, dialect) < range.size();
  if (!has_comments) {
    const bool is_odd = dialect.has_quotes && parity_of_quotes(range) == 1;
    changes.ends[0] = place_at_end(range, is_odd);
    changes.ends[1] = place_at_end(range, !is_odd);
    if (dialect.comment != 0) changes.ends[2] = end_of(range, Place::comment, dialect);
    return changes;
  }
  for (std::size_t k = 0; k < changes.ends.size(); ++k) {
    changes.ends[k] = end_of(range, static_cast<Place>(k), dialect);
  }
  return changes;
}

Place end_of(std::span<const char> range, Place begin, const Dialect& dialect) {
  if (range.empty()) return begin;
  const auto size = range.size();
  std::size_t at = 0;
  bool is_inside = begin == Place::quotes;
  const bool is_comment = begin == Place::line_start && dialect.comment != 0 && range[0] == dialect.comment;
  if (begin == Place::comment || is_comment) {
    at = skip_line(range, 0);
    if (range[at - 1] != '\n') return Place::comment;
  }
  auto comment = dialect.comment != 0 ? next_comment(range, at, dialect) : size;
  while (at < size) {
    const auto quote = dialect.has_quotes ? find(range, '"', at, size) : size;
    if (is_inside) {
      if (quote == size) return Place::quotes;
      is_inside = false;
      at = quote + 1;
      continue;
    }
    if (comment < at) comment = next_comment(range, at, dialect);
    if (comment < quote) {
      at = skip_line(range, comment);
      if (range[at - 1] != '\n') return Place::comment;
      // The next line may be one, too.
      comment = next_comment(range, at, dialect);
      continue;
    }
    if (quote == size) break;
    is_inside = true;
    at = quote + 1;
  }
  return place_at_end(range, is_inside);
}

Place guess_place(std::span<const char> range, const Dialect& dialect) {
  if (!dialect.has_quotes) return Place::outside;
  int wrong[2] = {0, 0};
  bool inside[2] = {false, true};
  int seen = 0;
  const auto* at = range.data();
  const auto* end = range.data() + range.size();
  while (seen < guess_quotes) {
    at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    const char before = at > range.data() ? at[-1] : dialect.delimiter;
    const char after = at + 1 < end ? at[1] : dialect.delimiter;
    const auto is_end = [&](char byte) { return byte == dialect.delimiter || byte == '\n' || byte == '"'; };
    for (int k = 0; k < 2; ++k) {
      const bool is_fine = inside[k] ? is_end(after) || after == '\r' : is_end(before);
      wrong[k] += is_fine ? 0 : 1;
      inside[k] = !inside[k];
    }
    ++seen;
    ++at;
  }
  return wrong[1] < wrong[0] ? Place::quotes : Place::outside;
}

std::size_t first_feed(std::span<const char> bytes, bool inside, const Dialect& dialect) {
  for (std::size_t at = 0; at < bytes.size(); inside = !inside) {
    const auto feed = inside ? bytes.size() : find(bytes, '\n', at, bytes.size());
    const auto quote = dialect.has_quotes ? find(bytes, '"', at, feed) : feed;
    if (quote == feed) return feed;
    at = quote + 1;
  }
  return bytes.size();
}

std::size_t skip_line(std::span<const char> bytes, std::size_t at) {
  return std::min(find(bytes, '\n', at, bytes.size()) + 1, bytes.size());
}

std::size_t next_comment(std::span<const char> bytes, std::size_t from, const Dialect& dialect) {
  for (auto at = std::max(from, std::size_t{1}); at < bytes.size(); ++at) {
    at = find(bytes, dialect.comment, at, bytes.size());
    if (at == bytes.size() || bytes[at - 1] == '\n') return at;
  }
  return bytes.size();
}

}  // namespace paceline::table
