// Numbers: the bits of the C library's strtod, and what is none.
#include "workloads/table/field.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace paceline::table {
namespace {

/// By both ways, which must agree.
Number parse(const std::string& text) {
  const auto padded = text + ",and what follows it in the file";
  const auto number = parse_number(padded.data(), padded.data() + text.size(), padded.data() + padded.size());
  const auto exact = parse_number(text.data(), text.data() + text.size(), text.data() + text.size());
  const auto reference = parse_number_reference(text);
  for (const auto& other : {exact, reference}) {
    EXPECT_EQ(number.kind, other.kind) << text;
    EXPECT_EQ(number.integer, other.integer) << text;
    EXPECT_EQ(number.is_negative_zero, other.is_negative_zero) << text;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(number.real), std::bit_cast<std::uint64_t>(other.real)) << text;
  }
  return number;
}

TEST(Field, IsAnInteger) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{7}, std::int64_t{12345678}, std::int64_t{123456789},
                                   std::int64_t{-1234567890123456789}, INT64_MAX, INT64_MIN}) {
    const auto number = parse(std::to_string(value));
    EXPECT_EQ(number.kind, Kind::integer);
    EXPECT_EQ(number.integer, value);
  }
  EXPECT_EQ(parse("+5").integer, 5);
  EXPECT_EQ(parse(" 5\t").integer, 5);
  EXPECT_EQ(parse("00000000000000000000000007").integer, 7);
  EXPECT_TRUE(parse("-0").is_negative_zero);
}

TEST(Field, IsAReal) {
  EXPECT_EQ(parse("9223372036854775808").kind, Kind::natural);
  EXPECT_EQ(parse("18446744073709551616").real, 18446744073709551616.0);
  EXPECT_EQ(parse("-0.0").real, 0.0);
  EXPECT_TRUE(std::signbit(parse("-0.0").real));
  for (const char* text : {"1.5",
                           ".5",
                           "5.",
                           "1e5",
                           "1E+5",
                           "1e-5",
                           "1e400",
                           "1e-400",
                           "4.9e-324",
                           "0.1",
                           "1e22",
                           "1e23",
                           "9007199254740993.0",
                           "123456789012345678901234567890",
                           "2.2250738585072011e-308",
                           "1e99999",
                           "0.000000000000000000000000000001234",
                           "nan",
                           "NaN",
                           "inf",
                           "-Infinity",
                           "+inf"}) {
    EXPECT_EQ(parse(text).kind, Kind::real) << text;
  }
}

TEST(Field, IsText) {
  for (const char* text : {"a", "-", "+", ".", "1.2.3", "1e", "e5", "1e+", "0x10", "1_000", "--1", "+-1", "1 2",
                           "nan(1)", "infin", "1,5", "12345678a", "1.5f", "\xd9\xa1"}) {
    EXPECT_EQ(parse(text).kind, Kind::text) << text;
  }
}

TEST(Field, IsTheNearestDouble) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 50'000; ++round) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const auto number = parse(fmt::format("{}", value));
    EXPECT_EQ(number.kind == Kind::integer ? static_cast<double>(number.integer) : number.real, value);
    const auto digits = static_cast<int>(random() % 20);
    parse(fmt::format("{:.{}f}", std::ldexp(static_cast<double>(random()), -50), digits));
    parse(fmt::format("{:.{}e}", value, digits));
    parse(std::to_string(static_cast<std::int64_t>(random()) >> (random() % 64)));
  }
}

TEST(Field, LosesItsQuotes) {
  const auto text = [](const std::string& field) {
    return text_of(field_of(field.data(), field.data() + field.size()));
  };
  EXPECT_EQ(text("plain"), "plain");
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("\"\""), "");
  EXPECT_EQ(text("\"a\"\"b\"\"\""), "a\"b\"");
}

TEST(Utf8, IsRefusedWhereItIsWrong) {
  for (const char* text :
       {"", "plain, and longer than a word", "é", "\u20ac", "\U0001f600", "\u0800\ud7ff\ue000\U0010ffff"}) {
    EXPECT_EQ(invalid_utf8(text), std::string_view::npos) << text;
  }
  for (const char* text : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xff"}) {
    EXPECT_EQ(invalid_utf8(text), 0U);
    EXPECT_EQ(invalid_utf8(std::string("12345678é") + text), 10U);
  }
}

}  // namespace
}  // namespace paceline::table
