// Plain numbers: on every SIMD target all that are plain are taken, as the C library reads them, and nothing else is.
#include "workloads/table/plain_numbers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "hwy/targets.h"
#include "workloads/table/separators.hpp"

namespace paceline::table {
namespace {

/// By the words of the header.
bool is_plain(std::string_view text, Kind kind) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto digits =
      static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
  const auto points = static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
  if (digits == 0 || points > 1 || digits + points != text.size() || digits > (points == 0 ? 18U : 19U)) return false;
  const bool is_zero = text.find_first_not_of('0') == std::string_view::npos;
  return kind == Kind::real || (points == 0 && !(is_negative && is_zero));
}

/// As a file has them: a column of several, which this one may end.
struct Text {
  explicit Text(const std::vector<std::string>& column, bool ends_line) {
    bytes = "some text that is before the first of them\n";
    positions.push_back(static_cast<std::uint32_t>(bytes.size() - 1));
    const auto put = [&](const std::string& field, const std::string& separator) {
      bytes += field + separator;
      positions.push_back(static_cast<std::uint32_t>(bytes.size() - 1));
    };
    for (std::size_t row = 0; row < column.size(); ++row) {
      put("-7.5", ",");
      // The last line may have no end.
      put(column[row], !ends_line ? "," : row + 1 == column.size() ? "" : row % 3 == 0 ? "\r\n" : "\n");
      if (ends_line && row + 1 == column.size()) positions.back() = static_cast<std::uint32_t>(bytes.size());
      ends.push_back(static_cast<std::uint32_t>(positions.size() - 1));
      if (!ends_line) put("9", "\n");
    }
    // Nothing that lies behind may be looked at.
    bytes.shrink_to_fit();
  }
  [[nodiscard]] FieldRun run(bool ends_line) const { return {bytes.data(), positions.data(), ends, ends_line}; }

  std::string bytes;
  std::vector<std::uint32_t> positions, ends;
};

std::uint64_t expected_value(const std::string& text, Kind kind) {
  const auto number = parse_number_reference(text);
  if (kind == Kind::integer) return static_cast<std::uint64_t>(number.integer);
  const auto real = number.kind == Kind::real ? number.real
                    : number.is_negative_zero ? -0.0
                                              : static_cast<double>(number.integer);
  return std::bit_cast<std::uint64_t>(real);
}

void expect_taken_on(std::int64_t target, const std::vector<std::string>& column, Kind kind, bool ends_line) {
  const Text text(column, ends_line);
  auto run = text.run(ends_line);
  std::vector<std::uint64_t> values(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    auto end = row;
    while (end < column.size() && is_plain(column[end], kind)) ++end;
    run.ends = std::span(text.ends).subspan(row);
    const auto taken = take_plain_numbers_on(target)(run, kind, values.data() + row);
    ASSERT_EQ(taken, end - row) << column[std::min(row + taken, column.size() - 1)];
    for (; row < end; ++row) ASSERT_EQ(values[row], expected_value(column[row], kind)) << column[row];
  }
}

void expect_taken(const std::vector<std::string>& column) {
  for (const auto target : simd_targets()) {
    if (target == HWY_SCALAR) continue;  // leaves all of them
    SCOPED_TRACE(target);
    for (const auto kind : {Kind::integer, Kind::real}) {
      for (const bool ends_line : {false, true}) expect_taken_on(target, column, kind, ends_line);
    }
  }
}

TEST(PlainNumbers, AreTakenOrLeft) {
  expect_taken({"0",
                "-0",
                "7",
                "-7",
                "0.0",
                "-0.0",
                "00012",
                "5.",
                ".5",
                "-.5",
                "-5.",
                "",
                "-",
                ".",
                "-.",
                "--1",
                "+1",
                "1e5",
                "1.5.2",
                "1..2",
                " 1",
                "1 ",
                "\"1\"",
                "nan",
                "inf",
                "1234567890123456",
                "12345678901234567",
                "123456789012345678",
                "-123456789012345678",
                "1234567890123456789",
                "9007199254740993",
                "9007199254740993.",
                ".9007199254740993",
                "0.1234567890123456789",
                "1234567890123456.789",
                "1234567890123456789.",
                ".1234567890123456789",
                "0.12345678901234567890",
                "9999999999999999999.",
                "0000000000000000000.",
                "/",
                ":",
                "1/2",
                "1:2",
                "\xb0\xb1",
                "-12345678.12345678"});
}

/// Nothing that lies before the first byte is looked at, wherever the number ends: an address sanitizer sees it.
TEST(PlainNumbers, NeedRoomBeforeThem) {
  for (const auto target : simd_targets()) {
    for (std::size_t before = 1; before < 40; ++before) {
      std::vector<char> bytes(before, 'x');
      bytes.back() = ',';
      for (const char c : std::string("123456789012345678\r\n")) bytes.push_back(c);
      bytes.shrink_to_fit();
      const auto feed = static_cast<std::uint32_t>(bytes.size() - 1);
      const std::uint32_t positions[] = {static_cast<std::uint32_t>(before - 1), feed}, end = 1;
      std::uint64_t value = 123456789012345678;
      const auto taken =
          take_plain_numbers_on(target)({bytes.data(), positions, {&end, 1}, true}, Kind::integer, &value);
      EXPECT_EQ(taken, target != HWY_SCALAR && feed >= plain_room ? 1U : 0U) << before;
      EXPECT_EQ(value, 123456789012345678U);
    }
  }
}

/// As programs print them.
TEST(PlainNumbers, AreTakenInAllLengths) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> column;
    const auto style = random() % 5;
    for (int row = 0; row < 150; ++row) {
      const double real = std::ldexp(static_cast<double>(static_cast<std::int64_t>(random())), -63) * 1000;
      const auto places = static_cast<int>(random() % 17);
      switch (random() % 40 == 0 ? random() % 5 : style) {
        case 0: column.push_back(fmt::format("{}", real)); break;
        case 1: column.push_back(fmt::format("{:.{}f}", real, places)); break;
        case 2: column.push_back(fmt::format("{:.6f}", real)); break;
        case 3: column.push_back(fmt::format("{}", static_cast<std::int64_t>(random()) >> (random() % 64))); break;
        default: column.push_back(fmt::format("{}.{}", random() % 100, random() % 100000000000000000)); break;
      }
    }
    expect_taken(column);
  }
}

/// Half way between two doubles, and one digit beside it.
TEST(PlainNumbers, AreTheNearestDoubles) {
  std::vector<std::string> column;
  std::mt19937_64 random(4);
  for (int k = 0; k < 400; ++k) {
    // (2^53 + odd) / 2 ends in .5, and more bits fit 19 digits than a double has.
    const auto odd = (std::uint64_t{1} << 53) + 1 + 2 * (random() % 1000000);
    column.push_back(fmt::format("{}.5", odd / 2));
    column.push_back(fmt::format("{}.0", odd));
    column.push_back(fmt::format("{}.1", odd));
    column.push_back(fmt::format("-{}.9", odd - 1));
    column.push_back(fmt::format("{}.{:02}", (std::uint64_t{1} << 51) + random() % 100000, 25 * (random() % 4)));
    column.push_back(fmt::format("{}.{:03}", (std::uint64_t{1} << 50) + random() % 100000, 125 * (random() % 8)));
  }
  expect_taken(column);
}

}  // namespace
}  // namespace paceline::table
