#include "workloads/array/philox.hpp"

#include <algorithm>
#include <array>

namespace paceline::array {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::size_t words = 4;
// Counters worked on together: a round's multiplications wait for the round before, other counters' don't.
constexpr std::size_t together = 4;

/// The words of `together` consecutive counters, of which `counter` is the first. Its upper words stay zero: there are
/// fewer than 2^63 elements.
void philox_words(std::uint64_t key, std::uint64_t counter, std::array<std::uint64_t, words * together>& out) {
  std::uint64_t c0[together], c1[together] = {}, c2[together] = {}, c3[together] = {};
  for (std::size_t k = 0; k < together; ++k) c0[k] = counter + k;
  std::uint64_t k0 = key, k1 = 0;
  for (int round = 0; round < 10; ++round) {
    for (std::size_t k = 0; k < together; ++k) {
      const Wide p0 = Wide{0xD2E7470EE14C6C93U} * c0[k];
      const Wide p1 = Wide{0xCA5A826395121157U} * c2[k];
      c0[k] = static_cast<std::uint64_t>(p1 >> 64) ^ c1[k] ^ k0;
      c1[k] = static_cast<std::uint64_t>(p1);
      c2[k] = static_cast<std::uint64_t>(p0 >> 64) ^ c3[k] ^ k1;
      c3[k] = static_cast<std::uint64_t>(p0);
    }
    k0 += 0x9E3779B97F4A7C15U;
    k1 += 0xBB67AE8584CAA73BU;
  }
  for (std::size_t k = 0; k < together; ++k) {
    out[k * words] = c0[k];
    out[k * words + 1] = c1[k];
    out[k * words + 2] = c2[k];
    out[k * words + 3] = c3[k];
  }
}

/// The upper 53 bits.
double to_unit(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

}  // namespace

void philox_uniform(std::uint64_t key, std::int64_t first, std::span<double> values) {
  std::array<std::uint64_t, words * together> random{};
  auto at = static_cast<std::uint64_t>(first);
  std::size_t done = 0;
  while (done < values.size()) {
    // NumPy counts before it draws: its first four numbers have counter 1.
    philox_words(key, at / words + 1, random);
    const auto skip = static_cast<std::size_t>(at % words);
    const auto count = std::min(random.size() - skip, values.size() - done);
    for (std::size_t i = 0; i < count; ++i) values[done + i] = to_unit(random[skip + i]);
    done += count;
    at += count;
  }
}

}  // namespace paceline::array
