// The survey of a file in memory: borders anywhere, guesses that are wrong, files that change.
#include "workloads/table/csv_file.hpp"

#include <gtest/gtest.h>

#include <random>

#include <support.hpp>

namespace paceline::table {
namespace {

/// As the engine does it, on one thread, with `beyond` bytes behind each range at first. Counts the second looks.
int survey(CsvFile& file, const std::string& text, std::size_t beyond, std::int64_t keep_bytes = 1 << 20) {
  const auto read = [&text](std::int64_t at, std::span<char> bytes) {
    if (static_cast<std::size_t>(at) + bytes.size() > text.size()) throw Error(ExitCode::input, "shorter");
    std::copy_n(text.begin() + at, bytes.size(), bytes.begin());
  };
  file.open({std::ssize(text), read}, keep_bytes);
  std::vector<std::vector<std::int64_t>> facts(static_cast<std::size_t>(file.ranges()));
  std::vector<std::int64_t> wanted;
  for (std::int64_t range = 0; range < file.ranges(); ++range) wanted.push_back(range);
  int second_looks = 0;
  for (;;) {
    for (const auto range : wanted) {
      const auto begin = static_cast<std::size_t>(std::min(range * file.range_bytes(), std::ssize(text)));
      auto size = static_cast<std::size_t>(file.range_bytes()) + beyond;
      while (!file.survey(range, std::span<const char>(text).subspan(begin, std::min(size, text.size() - begin)),
                          facts[static_cast<std::size_t>(range)])) {
        size *= 2;
      }
    }
    std::vector<std::int64_t> all;
    for (const auto& each : facts) all.insert(all.end(), each.begin(), each.end());
    wanted = file.conclude(all);
    if (wanted.empty()) return second_looks;
    second_looks += static_cast<int>(wanted.size());
  }
}

std::vector<std::string> texts_of(const CsvFile& file, std::size_t column) {
  std::vector<std::string> texts;
  for (std::int64_t range = 0; range < file.ranges(); ++range) {
    file.with_values(range, [&](const RangeValues& values) {
      for (const auto& field : values[column].texts) texts.push_back(text_of(field));
    });
  }
  return texts;
}

TEST(CsvFile, HasTheSameRecordsForEveryRange) {
  const std::string text = "\xef\xbb\xbfi,t,x\r\n1,\"a\r\n\"\"b\"\"\",1.5\r\n\r\n2,é,\r\n3,\"\"\"\",-0\n4,\",\n\",7";
  const std::vector<std::string> expected = {"a\r\n\"b\"", "é", "\"", ",\n"};
  for (std::int64_t range = 1; range < 70; ++range) {
    for (const std::size_t beyond : {0U, 5U, 1000U}) {
      CsvFile file("t.csv", {}, range);
      survey(file, text, beyond, range % 2 == 0 ? 1 << 20 : 0);
      EXPECT_EQ(file.starts().back(), 4);
      EXPECT_EQ(file.columns()[0].kind, Kind::integer);
      EXPECT_EQ(file.columns()[1].kind, Kind::text);
      EXPECT_EQ(file.columns()[2].kind, Kind::real);
      EXPECT_EQ(file.columns()[2].missing, 1);
      EXPECT_EQ(texts_of(file, 1), expected) << range;
      std::vector<double> numbers(4);
      file.read_reals(0, {0, 4}, numbers);
      EXPECT_EQ(numbers, (std::vector<double>{1, 2, 3, 4}));
    }
  }
}

TEST(CsvFile, LooksAgainWhereAGuessWasWrong) {
  // Within these quotes everything looks as if it were outside of them, and the other way round.
  std::string text = "a,b\n1,\"";
  for (int k = 0; k < 200; ++k) text += "\n5,6\n7,\"\",\"\"\n";
  text += "\"\n2,x\n";
  CsvFile file("t.csv", {}, 64);
  EXPECT_GT(survey(file, text, 100), 0);
  EXPECT_EQ(file.starts().back(), 2);
  EXPECT_EQ(texts_of(file, 1).back(), "x");
}

TEST(CsvFile, GuessesRightWhereQuotesTell) {
  std::string text = "a,b\n";
  for (int k = 0; k < 500; ++k) text += "1,\"two words, and\na line\"\n";
  CsvFile file("t.csv", {}, 200);
  EXPECT_EQ(survey(file, text, 100), 0);
  EXPECT_EQ(file.starts().back(), 500);
}

TEST(CsvFile, ThatHasChangedIsRefused) {
  std::string text = "a,b\n1,x\n2,y\n";
  for (const auto* other : {"a,b\n1,x\n2,y,", "a,b\n1,x\n2 y\n", "a,b\n1,x\n.,y\n", "a,b\n1"}) {
    CsvFile file("t.csv", {}, 1000);
    text = "a,b\n1,x\n2,y\n";
    survey(file, text, 0, 0);
    text = other;
    const auto error = test::error_of([&] { texts_of(file, 1); });
    ASSERT_TRUE(error) << other;
    EXPECT_EQ(error->code(), ExitCode::input);
  }
}

}  // namespace
}  // namespace paceline::table
