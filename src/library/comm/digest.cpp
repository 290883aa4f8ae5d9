#include <paceline/digest.hpp>

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace paceline {

std::uint64_t item_digest(std::int64_t item, std::span<const std::byte> bytes) {
  const auto hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), static_cast<XXH64_hash_t>(item));
  return hash == 0 ? 1 : hash;
}

std::string Digest::text() const { return fmt::format("{:016x}", sum_); }

}  // namespace paceline
