#include <paceline/digest.hpp>

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace paceline {
namespace {

std::vector<std::byte> bytes_of_text(const std::string& text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

TEST(ItemDigest, IsTheSameOnEveryMachine) {
  // The value that the XXH3 reference implementation documents for no bytes and seed 0.
  EXPECT_EQ(item_digest(0, {}), 0x2d06800538d394c2U);
}

TEST(ItemDigest, DependsOnTheItemAndOnEachByte) {
  const auto bytes = bytes_of_text("0123456789");
  std::set<std::uint64_t> seen;
  for (std::int64_t item = 0; item < 100; ++item) seen.insert(item_digest(item, bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] ^= std::byte{1};
    seen.insert(item_digest(0, changed));
  }
  seen.insert(item_digest(0, std::span(bytes).first(9)));
  seen.insert(item_digest(std::int64_t{1} << 40, bytes));
  EXPECT_EQ(seen.size(), 112U);
  EXPECT_EQ(seen.count(0), 0U);
}

TEST(Digest, AddsUpInAnyOrderAndWrapsAround) {
  Digest forwards, backwards;
  const std::vector<std::uint64_t> parts = {1, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 63, 5};
  for (auto part = parts.begin(); part != parts.end(); ++part) forwards.add(*part);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) backwards.add(*part);
  EXPECT_EQ(forwards.sum(), 5U);
  EXPECT_EQ(backwards.text(), forwards.text());
}

TEST(Digest, IsSixteenDigits) {
  Digest digest;
  EXPECT_EQ(digest.text(), "0000000000000000");
  digest.add(0xabc);
  EXPECT_EQ(digest.text(), "0000000000000abc");
}

}  // namespace
}  // namespace paceline
