#include "workloads/table/time.hpp"

#include <gtest/gtest.h>

namespace paceline::table {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

TEST(Time, IsMicrosecondsSince1970) {
  const auto value = [](std::string_view field) {
    const auto number = parse_time(field);
    EXPECT_EQ(number.kind, Kind::integer) << field;
    return number.integer;
  };
  EXPECT_EQ(value("1970-01-01"), 0);
  EXPECT_EQ(value(" 1970-01-02\t"), day);
  EXPECT_EQ(value("1969-12-31T23:59:59Z"), -second);
  EXPECT_EQ(value("2000-02-29 12:30"), 11'016 * day + 45'000 * second);
  EXPECT_EQ(value("1970-01-01T00:00:01.25"), second + 250'000);
  EXPECT_EQ(value("1970-01-01T00:00:01.123456000"), second + 123'456);
  EXPECT_EQ(value("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(value("1970-01-01T01:00:00+0130"), -1'800 * second);
  EXPECT_EQ(value("1970-01-01T01:00-01"), 7'200 * second);
  EXPECT_EQ(value("9999-12-31"), 2'932'896 * day);
}

TEST(Time, IsNothingElse) {
  for (const char* field :
       {"", "1970", "1970-1-1", "1970-02-30", "1900-02-29", "1970-01-01T", "1970-01-01T24:00", "1970-01-01T00:60",
        "1970-01-01T00:00:60", "1970-01-01T00:00:00.", "1970-01-01T00:00:00.1234567", "1970-01-01x",
        "1970-01-01T00:00Zx", "1970-01-01T00:00+1", "01.02.1970", "1970-01-01Z"}) {
    EXPECT_EQ(parse_time(field).kind, Kind::text) << field;
  }
}

}  // namespace
}  // namespace paceline::table
