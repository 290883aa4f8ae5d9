// The survey of a file in memory: borders anywhere, guesses that are wrong, files that change.
#include "workloads/table/csv_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <random>

#include <support.hpp>

namespace paceline::table {
namespace {

/// As the engine does it, on one thread, with `beyond` bytes behind each range at first. Counts the second looks.
int survey(CsvFile& file, const std::string& text, std::size_t beyond, std::int64_t keep_bytes = 1 << 20) {
  const auto read = [&text](std::int64_t at, std::span<char> bytes) {
    if (static_cast<std::size_t>(at) + bytes.size() > text.size()) throw Error(ErrorKind::input, "shorter");
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
      while (!file.scan(range, std::span<const char>(text).subspan(begin, std::min(size, text.size() - begin)),
                        facts[static_cast<std::size_t>(range)])) {
        size *= 2;
      }
    }
    std::vector<std::int64_t> all;
    for (const auto& each : facts) all.insert(all.end(), each.begin(), each.end());
    wanted = file.reduce(all);
    if (wanted.empty()) return second_looks;
    second_looks += static_cast<int>(wanted.size());
  }
}

std::vector<std::string> texts_of(const CsvFile& file, std::size_t column) {
  std::vector<std::string> texts;
  for (std::int64_t range = 0; range < file.ranges(); ++range) {
    for (const auto& text : file.values(range)[column].texts) texts.push_back(text_of(text.field()));
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

/// RFC 4180 to the letter, by one byte after the other, but for what the dialect changes; nothing if the text breaks
/// it.
std::optional<std::vector<std::vector<std::string>>> strict_records(const std::string& text, std::size_t fields,
                                                                    const Dialect& dialect) {
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> record;
  std::size_t at = 0;
  while (at < text.size()) {
    if (record.empty() && dialect.comment != 0 && text[at] == dialect.comment) {
      at = std::min(text.find('\n', at), text.size() - 1) + 1;
      continue;
    }
    std::string field;
    const auto begin = at;
    if (text[at] == '"' && dialect.has_quotes) {
      for (++at;; ++at) {
        if (at == text.size()) return {};
        field += text[at];
        if (text[at] != '"') continue;
        ++at;
        if (at == text.size() || text[at] != '"') break;
      }
    } else {
      while (at < text.size() && text[at] != dialect.delimiter && text[at] != '\n' && text[at] != '\r') {
        if (text[at] == '"' && dialect.has_quotes) return {};
        ++at;
      }
    }
    record.emplace_back(text, begin, at - begin);
    if (record.back().find('\0') != std::string::npos) return {};
    if (at < text.size() && text[at] == dialect.delimiter) {
      ++at;
      // What follows the last comma is a field, too.
      if (at < text.size()) continue;
      record.emplace_back();
    }
    if (at < text.size() && text[at] == '\r') ++at;
    if (at < text.size() && text[at++] != '\n') return {};
    const bool is_blank = record.size() == 1 && record.front().empty();
    if (!is_blank && record.size() != fields) return {};
    if (!is_blank) records.push_back(record);
    record.clear();
  }
  for (const auto& each : records) {
    for (const auto& field : each) {
      if (invalid_utf8(field) != std::string_view::npos) return {};
    }
  }
  return records;
}

std::string random_records(std::mt19937_64& random, const Dialect& dialect) {
  const std::string point(1, dialect.decimal), end(1, dialect.delimiter);
  auto long_text = std::string(random() % 150, 'y') + "\"\"";
  long_text.insert(random() % long_text.size(), random() % 2 == 0 ? "\"\"" : "");
  const std::vector<std::string> words = {"",
                                          "-0",
                                          "0" + point + "5",
                                          "-12" + point + "25",
                                          "1234567" + point + "654321",
                                          "1e5",
                                          "x",
                                          "\"\"",
                                          "\"a" + end + "\"",
                                          "\"\n\"",
                                          "\"b\"\"\"",
                                          "9007199254740993",
                                          "é",
                                          "nan",
                                          "\"7\"",
                                          "18446744073709551615",
                                          "NA",
                                          "\"\n# q\"",
                                          "\"" + long_text + "\""};
  const std::vector<std::string> comments = {"#", "# it's", "#\"", "# \"a\",", "##\"\"\""};
  std::string text;
  const auto lines = random() % 12;
  const auto first = random() % words.size(), few = random() % 2 == 0 ? words.size() : 5;
  for (std::size_t line = 0; line < lines; ++line) {
    if (dialect.comment != 0 && random() % 3 == 0) text += comments[random() % comments.size()] + "\n";
    for (int k = 0; k < 3; ++k) text += (k > 0 ? end : "") + words[(first + random() % few) % words.size()];
    text += random() % 4 == 0 ? "\r\n" : "\n";
    if (random() % 9 == 0) text += "\n";
  }
  if (random() % 3 == 0 && !text.empty()) text.pop_back();
  // Half of them are damaged somewhere.
  const std::string bytes("\",\n\r1.-a\xc3#;\0", 12);
  for (auto times = random() % 2 == 0 ? random() % 3 : 0; times > 0 && !text.empty(); --times) {
    const auto at = random() % text.size();
    switch (random() % 3) {
      case 0: text[at] = bytes[random() % bytes.size()]; break;
      case 1: text.insert(at, 1, bytes[random() % bytes.size()]); break;
      default: text.erase(at, 1); break;
    }
  }
  return text;
}

/// The values of a column as they would be stored without marks: texts, or the numbers' bits.
void expect_column(const CsvFile& file, std::size_t column, const std::vector<std::vector<std::string>>& records) {
  const auto& dialect = file.dialect();
  auto kind = Kind::nothing;
  bool has_negative = false;
  std::int64_t missing = 0;
  const auto field_at = [&](std::size_t row) {
    const auto& text = records[row][column];
    return field_of(text.data(), text.data() + text.size(), dialect.has_quotes);
  };
  const auto is_nothing = [&](const Field& field) {
    return field.inner.empty() || dialect.missing.contains(field.inner);
  };
  for (std::size_t row = 0; row < records.size(); ++row) {
    const auto field = field_at(row);
    missing += is_nothing(field) ? 1 : 0;
    if (is_nothing(field)) continue;
    const auto number = parse_number_reference(field.inner, dialect.decimal);
    kind = std::max(kind, number.kind);
    has_negative = has_negative || (number.kind == Kind::integer && number.integer < 0);
  }
  if (kind == Kind::nothing || (kind == Kind::natural && has_negative)) kind = Kind::real;
  ASSERT_EQ(file.columns()[column].kind, kind);
  if (kind != Kind::text) {
    ASSERT_EQ(file.columns()[column].missing, missing);
  }
  std::size_t row = 0;
  std::int64_t longest = 0;
  for (std::int64_t range = 0; range < file.ranges(); ++range) {
    const auto& all = file.values(range);
    const auto& values = all[column];
    for (const auto& text : values.texts) {
      const auto field = field_at(row++);
      ASSERT_EQ(text_of(text.field()), text_of(field));
      ASSERT_EQ(text.has_doubled, field.is_quoted && field.inner.find('"') != std::string_view::npos) << field.inner;
      longest = std::max(longest, std::ssize(text_of(field)));
    }
    for (std::size_t k = 0; kind != Kind::text && k < values.values.size(); ++k, ++row) {
      const auto field = field_at(row);
      const bool is_missing = std::find(values.missing.begin(), values.missing.end(), k) != values.missing.end();
      ASSERT_EQ(is_missing, is_nothing(field));
      if (is_missing) continue;
      const auto number = parse_number_reference(field.inner, dialect.decimal);
      const auto expected = values.kind == Kind::real ? std::bit_cast<std::uint64_t>(real_of(number))
                                                      : static_cast<std::uint64_t>(number.integer);
      ASSERT_EQ(values.values[k], expected) << field.inner;
    }
  }
  ASSERT_EQ(row, records.size());
  if (kind == Kind::text) {
    const auto& info = file.columns()[column];
    // What stands where a text is missing needs room, too.
    ASSERT_EQ(info.longest, info.missing > 0 ? std::max(longest, std::ssize(info.text_mark)) : longest);
  }
}

TEST(CsvFile, IsWhatRfc4180Says) {
  std::mt19937_64 random(6);
  int good = 0, bad = 0;
  for (int round = 0; round < 12'000; ++round) {
    CsvOptions options;
    if (round % 3 != 0) {
      options.delimiter = std::vector<std::string>{",", ";", "tab"}[random() % 3];
      if (options.delimiter != "," && random() % 2 == 0) options.decimal = ",";
      if (random() % 2 == 0) options.comment = "#";
      options.has_no_quotes = random() % 4 == 0;
      options.has_no_header = random() % 4 == 0;
    }
    const auto dialect = options.dialect();
    auto records = random_records(random, dialect);
    const std::string header(options.has_no_header ? "" : fmt::format("a{0}b{0}c\n", dialect.delimiter));
    if (options.has_no_header) records = fmt::format("1{0}2{0}3\n", dialect.delimiter) + records;
    const auto text = header + records;
    CsvFile file("t.csv", {}, static_cast<std::int64_t>(1 + random() % (round % 2 == 0 ? 20 : 300)), options);
    const auto expected = strict_records(records, 3, dialect);
    SCOPED_TRACE(text);
    // Values of all ranges are kept, of none, or of some that are looked at again when there is no room any more.
    const std::int64_t keep =
        std::vector<std::int64_t>{0, 1 << 20, static_cast<std::int64_t>(random() % 300)}[random() % 3];
    const auto error = test::error_of([&] { survey(file, text, random() % 40, keep); });
    ASSERT_EQ(!error, expected.has_value()) << (error ? error->what() : "");
    (expected ? good : bad) += 1;
    for (std::size_t column = 0; expected && column < 3; ++column) expect_column(file, column, *expected);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(good, 2800);
  EXPECT_GT(bad, 1600);
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
    EXPECT_EQ(error->kind(), ErrorKind::input);
  }
}

}  // namespace
}  // namespace paceline::table
