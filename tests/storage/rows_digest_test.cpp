// The digest of a table is the same wherever its items begin, and another once a byte or the number of rows is.
#include "storage/rows_digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "storage/result_file.hpp"

namespace paceline {
namespace {

constexpr std::int64_t text_width = 11;

/// A table of whole columns, to be cut into items.
struct Whole {
  std::int64_t rows = 0;
  std::vector<std::int64_t> long_begins;  ///< of the bytes of each row, and last their number
  std::vector<std::vector<std::byte>> columns;
};

Whole random_table(std::int64_t rows, std::mt19937& random) {
  Whole table{rows, {0}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    table.long_begins.push_back(table.long_begins.back() + static_cast<std::int64_t>(random() % 7));
  }
  for (const auto bytes : {rows * 8, rows * text_width, table.long_begins.back()}) {
    auto& column = table.columns.emplace_back(static_cast<std::size_t>(bytes));
    for (auto& byte : column) byte = static_cast<std::byte>(random());
  }
  return table;
}

ResultShape shape_of(const Whole& table, const std::vector<std::int64_t>& starts) {
  ResultShape shape;
  shape.path = "/table";
  shape.dims = {table.rows};
  shape.starts = starts;
  shape.digest_of = DigestOf::rows;
  std::vector<std::int64_t> long_starts;
  for (const auto row : starts) long_starts.push_back(table.long_begins[static_cast<std::size_t>(row)]);
  shape.columns = {{"/table/number", ElementType::float64, {}, {}, 1, {}},
                   {"/table/text", ElementType::text, {}, {}, text_width, {}},
                   {"/table/long", ElementType::uint8, {}, {}, 1, long_starts}};
  return shape;
}

std::vector<std::byte> bytes_of(const Whole& table, const ResultShape& shape, std::int64_t item) {
  std::vector<std::byte> bytes;
  for (std::size_t k = 0; k < table.columns.size(); ++k) {
    const auto elements = shape.elements_of(shape.columns[k], {item, item + 1});
    const auto width = shape.columns[k].element_bytes();
    const auto* all = table.columns[k].data();
    bytes.insert(bytes.end(), all + elements.begin * width, all + elements.end * width);
  }
  return bytes;
}

/// As the engine makes it.
std::uint64_t digest_of_table(const Whole& table, const std::vector<std::int64_t>& starts) {
  const auto shape = shape_of(table, starts);
  std::uint64_t sum = 0;
  for (std::int64_t item = 0; item < shape.items(); ++item) {
    const auto digest = digest_of(shape, item, bytes_of(table, shape, item));
    EXPECT_NE(digest, 0U);
    sum += part_of_result(digest);
  }
  return sum;
}

std::vector<std::int64_t> random_starts(std::int64_t rows, std::size_t items, std::mt19937& random) {
  std::vector<std::int64_t> starts = {0, rows};
  while (starts.size() < items + 1) starts.push_back(static_cast<std::int64_t>(random() % (rows + 1)));
  std::sort(starts.begin(), starts.end());
  return starts;
}

TEST(RowsDigest, IsTheSameWhereverItemsBegin) {
  std::mt19937 random(1);
  for (const std::int64_t rows : {0, 1, 2, 3, 100, 1001}) {
    const auto table = random_table(rows, random);
    const auto whole = digest_of_table(table, {0, rows});
    for (const std::size_t items : {1, 2, 3, 10, 300}) {
      EXPECT_EQ(digest_of_table(table, random_starts(rows, items, random)), whole) << rows << " rows, " << items;
    }
  }
}

TEST(RowsDigest, IsAnotherOnceAnyByteIs) {
  std::mt19937 random(2);
  auto table = random_table(9, random);
  std::set<std::uint64_t> seen = {digest_of_table(table, {0, 9})};
  std::size_t changes = 1;
  for (auto& column : table.columns) {
    for (auto& byte : column) {
      byte ^= std::byte{1};
      seen.insert(digest_of_table(table, {0, 4, 9}));
      byte ^= std::byte{1};
      ++changes;
    }
  }
  EXPECT_EQ(seen.size(), changes);
}

TEST(RowsDigest, IsAnotherForOtherPlacesAndNumbersOfRows) {
  std::mt19937 random(3);
  auto table = random_table(50, random);
  const auto digest = digest_of_table(table, {0, 50});
  std::swap_ranges(table.columns[0].begin(), table.columns[0].begin() + 8, table.columns[0].begin() + 80);
  EXPECT_NE(digest_of_table(table, {0, 50}), digest);
  // Nothing but NUL bytes.
  std::set<std::uint64_t> seen;
  for (const std::int64_t rows : {0, 1, 2, 4, 9}) {
    Whole empty{rows, std::vector<std::int64_t>(static_cast<std::size_t>(rows + 1)), {}};
    empty.columns = {std::vector<std::byte>(static_cast<std::size_t>(rows * 8)),
                     std::vector<std::byte>(static_cast<std::size_t>(rows * text_width)),
                     {}};
    seen.insert(digest_of_table(empty, {0, rows}));
  }
  EXPECT_EQ(seen.size(), 5U);
}

TEST(RowsDigest, OfAnItemWithoutRowsIsNoneOfTheResult) {
  const Whole none{0, {0}, {{}, {}, {}}};
  EXPECT_EQ(digest_of_table(none, {0, 0}), 0U);
  EXPECT_EQ(digest_of_table(none, {0, 0, 0, 0}), 0U);
}

}  // namespace
}  // namespace paceline
