#include "workloads/table/quotes.hpp"

#include <algorithm>
#include <cstring>

namespace paceline::table {
namespace {

// That a guess looks at.
constexpr int guess_quotes = 64;

}  // namespace

bool guess_inside(std::span<const char> range) {
  int wrong[2] = {0, 0};
  bool inside[2] = {false, true};
  int seen = 0;
  const auto* at = range.data();
  const auto* end = range.data() + range.size();
  while (seen < guess_quotes) {
    at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    const char before = at > range.data() ? at[-1] : ',';
    const char after = at + 1 < end ? at[1] : ',';
    for (int k = 0; k < 2; ++k) {
      const bool is_fine = inside[k] ? after == ',' || after == '\n' || after == '\r' || after == '"'
                                     : before == ',' || before == '\n' || before == '"';
      wrong[k] += is_fine ? 0 : 1;
      inside[k] = !inside[k];
    }
    ++seen;
    ++at;
  }
  return wrong[1] < wrong[0];
}

std::size_t first_feed(std::span<const char> bytes, bool inside) {
  const auto find = [&](char byte, std::size_t from, std::size_t to) {
    const auto* at = static_cast<const char*>(std::memchr(bytes.data() + from, byte, to - from));
    return at == nullptr ? to : static_cast<std::size_t>(at - bytes.data());
  };
  for (std::size_t at = 0; at < bytes.size(); inside = !inside) {
    const auto feed = inside ? bytes.size() : find('\n', at, bytes.size());
    const auto quote = find('"', at, feed);
    if (quote == feed) return feed;
    at = quote + 1;
  }
  return bytes.size();
}

std::int64_t parity_of_quotes(std::span<const char> bytes) {
  // Most files have none, which the C library finds much quicker than it could be counted.
  const auto* first = static_cast<const char*>(std::memchr(bytes.data(), '"', bytes.size()));
  return first == nullptr ? 0 : std::count(first, bytes.data() + bytes.size(), '"') % 2;
}

}  // namespace paceline::table
