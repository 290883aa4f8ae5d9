#include "workloads/table/columns.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "workloads/table/marks.hpp"
#include "workloads/table/time.hpp"

namespace paceline::table {
namespace {

/// How many bits are set from `begin` to before `end`.
std::uint32_t bits_of(std::span<const std::uint64_t> words, std::size_t begin, std::size_t end) {
  std::uint32_t count = 0;
  for (auto at = begin; at < end; at += 64) {
    const auto word = at / 64, shift = at % 64;
    if (word >= words.size()) break;
    const auto above = word + 1 < words.size() ? words[word + 1] << 1 << (63 - shift) : 0;
    const auto left = end - at;
    const auto wanted = left < 64 ? (std::uint64_t{1} << left) - 1 : ~std::uint64_t{0};
    count += static_cast<std::uint32_t>(std::popcount(((words[word] >> shift) | above) & wanted));
  }
  return count;
}

constexpr auto missing_real = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());

}  // namespace

void ColumnScan::take(FieldRun run) {
  run.decimal = dialect_.decimal;
  rows_ = run.ends.size();
  if (facts_.kind == Kind::text && texts_ == Texts::kept) values_.texts.resize(rows_);
  for (std::size_t row = 0; row < rows_; ++row) {
    const bool may_be_plain = facts_.kind == Kind::real || (facts_.kind == Kind::integer && type_ != Type::time);
    if (may_be_plain) {
      row += take_plain(run, row);
      if (row == rows_) break;
    }
    // Nearly all texts.
    if (facts_.kind == Kind::text && !has_nul_ && !dialect_.missing.are_for_texts()) {
      return has_quotes_ ? take_plain_texts<true>(run, row) : take_plain_texts<false>(run, row);
    }
    take_field(row, field_at(run, row, dialect_.has_quotes));
  }
  find_negatives(rows_);
}

/// Of texts without NUL bytes and words for what is missing.
template <bool has_quotes>
void ColumnScan::take_plain_texts(const FieldRun& run, std::size_t row) {
  std::int64_t longest = 0, bytes = 0, missing = 0, blank = 0, marks = 0;
  for (; row < rows_; ++row) {
    const auto field = field_at(run, row, has_quotes);
    const auto size = field.inner.size();
    const auto doubles = has_quotes ? doubles_in(field) : 0;
    if (texts_ == Texts::kept) {
      // Member by member: a copy of the whole would load them together, and wait for each store.
      auto& place = values_.texts[row];
      place.begin = field.inner.data();
      place.size = static_cast<std::uint32_t>(size);
      place.is_quoted = field.is_quoted;
      place.has_doubled = doubles > 0;
      continue;
    }
    if (size == 0) {
      field.is_quoted ? ++blank : ++missing;
      marks |= field.is_quoted ? marks_of(field.inner) : 0;
      continue;
    }
    const auto text_size = static_cast<std::int64_t>(size) - doubles;
    longest = std::max(longest, text_size);
    bytes += text_size;
    marks |= marks_of(field.inner);
  }
  if (facts_.longest >= 0) facts_.longest = std::max(facts_.longest, longest);
  facts_.bytes += bytes;
  facts_.missing += missing;
  facts_.blank += blank;
  facts_.marks |= marks;
}

std::int64_t ColumnScan::doubles_in(const Field& field) const {
  if (!field.is_quoted) return 0;
  const auto begin = static_cast<std::size_t>(field.inner.data() - bytes_.data());
  return bits_of(doubled_, begin, begin + field.inner.size());
}

TextPlace ColumnScan::place_of(const Field& field) const {
  return {field.inner.data(), static_cast<std::uint32_t>(field.inner.size()), field.is_quoted, doubles_in(field) > 0};
}

Field ColumnScan::field_at(const FieldRun& run, std::size_t row, bool has_quotes) const {
  const auto* separator = run.positions + run.ends[row];
  auto end = std::size_t{separator[0]};
  const auto begin = std::size_t{separator[-1] + 1};
  if (run.ends_line && end > begin && bytes_[end - 1] == '\r') --end;
  return field_of(bytes_.data() + begin, bytes_.data() + end, has_quotes);
}

std::size_t ColumnScan::take_plain(FieldRun run, std::size_t row) {
  const auto all = run;
  run.ends = run.ends.subspan(row);
  const auto values = numbers().subspan(row);
  const auto taken = take_plain_numbers(run, facts_.kind, values.data());
  const auto& words = dialect_.missing;
  if (!words.has_numbers()) return taken;
  for (std::size_t k = 0; k < taken; ++k) {
    const auto value = real_of_bits(facts_.kind, values[k]);
    if (std::find(words.reals().begin(), words.reals().end(), value) == words.reals().end()) continue;
    const auto field = field_at(all, row + k, dialect_.has_quotes);
    if (words.contains(field.inner)) take_missing_word(row + k, field);
  }
  return taken;
}

std::span<std::uint64_t> ColumnScan::numbers() {
  if (values_.values.empty()) values_.values = memory_.take(rows_);
  return values_.values;
}

void ColumnScan::take_field(std::size_t row, const Field& field) {
  if (field.inner.empty() && !field.is_quoted) {
    ++facts_.missing;
    return skip(row, {});
  }
  if (field.inner.empty()) {
    ++facts_.blank;
    facts_.marks |= facts_.kind == Kind::text ? marks_of(std::string_view()) : 0;
    return skip(row, field);
  }
  if (facts_.kind == Kind::text) return take_text(row, field);
  const auto* from = field.inner.data();
  const auto number = type_ == Type::time ? parse_time(field.inner)
                                          : parse_number(from, from + field.inner.size(), bytes_.data() + bytes_.size(),
                                                         dialect_.decimal);
  const bool may_be_missing = number.kind == Kind::text || dialect_.missing.has_numbers();
  if (may_be_missing && dialect_.missing.contains(field.inner)) return take_missing_word(row, field);
  if (is_misfit(number)) return refuse(row, field);
  if (number.kind != Kind::text) return take_number(row, number);
  widen_to_text();
  take_text(row, field);
}

bool ColumnScan::is_misfit(const Number& number) const {
  switch (type_) {
    case Type::any:
    case Type::text: return false;
    case Type::float64: return number.kind == Kind::text;
    case Type::uint64: return number.kind > Kind::natural || (number.kind == Kind::integer && number.integer < 0);
    default: return number.kind != Kind::integer;
  }
}

void ColumnScan::refuse(std::size_t row, const Field& field) {
  misfit_ = std::min(misfit_, static_cast<std::size_t>(field.inner.data() - bytes_.data()));
  skip(row, field);
}

void ColumnScan::take_number(std::size_t row, const Number& number) {
  if (facts_.kind != Kind::real && number.kind != Kind::real) {
    const bool is_natural = number.kind == Kind::natural || facts_.kind == Kind::natural;
    bool is_negative = number.kind == Kind::integer && number.integer < 0;
    if (number.kind == Kind::natural && facts_.kind == Kind::integer) {
      find_negatives(row);
      is_negative = facts_.has_negative;
    }
    if (!is_natural || !is_negative) {
      if (is_natural && facts_.kind != Kind::natural) facts_.marks = 0;
      facts_.kind = values_.kind = is_natural ? Kind::natural : Kind::integer;
      values_.has_negative_zero = values_.has_negative_zero || number.is_negative_zero;
      facts_.marks |= is_natural ? marks_of(static_cast<std::uint64_t>(number.integer)) : marks_of(number.integer);
      facts_.has_negative = facts_.has_negative || is_negative;
      numbers()[row] = static_cast<std::uint64_t>(number.integer);
      return;
    }
  }
  if (facts_.kind != Kind::real) widen_to_real(row);
  numbers()[row] = std::bit_cast<std::uint64_t>(real_of(number));
}

void ColumnScan::take_missing_word(std::size_t row, const Field& field) {
  if (dialect_.missing.are_for_texts() && !field.is_quoted) {
    ++facts_.missing;
    return skip(row, {});
  }
  ++facts_.named;
  facts_.named_marks |= marks_of(field.inner);
  skip(row, field);
}

void ColumnScan::take_text(std::size_t row, const Field& field) {
  if (dialect_.missing.are_for_texts() && !field.is_quoted && dialect_.missing.contains(field.inner)) {
    ++facts_.missing;
    return skip(row, {});
  }
  if (texts_ == Texts::kept) {
    values_.texts[row] = place_of(field);  // measured before
    return;
  }
  const auto size = std::ssize(field.inner) - doubles_in(field);
  if (facts_.longest >= 0) facts_.longest = std::max(facts_.longest, size);
  facts_.bytes += size;
  facts_.marks |= marks_of(field.inner);
  if (!has_nul_) return;
  if (const auto at = field.inner.find('\0'); at != std::string_view::npos) {
    nul_ = std::min(nul_, static_cast<std::size_t>(field.inner.data() - bytes_.data()) + at);
  }
}

void ColumnScan::skip(std::size_t row, const Field& field) {
  if (facts_.kind == Kind::text) {
    if (texts_ == Texts::kept) values_.texts[row] = place_of(field);
    return;
  }
  values_.missing.push_back(static_cast<std::uint32_t>(row));
  numbers()[row] = missing_real;
}

/// Of the rows so far. An integer that was "-0" is not what it would be as a real: has_negative_zero stays.
void ColumnScan::widen_to_real(std::size_t rows) {
  const auto before = std::exchange(facts_.kind, Kind::real);
  values_.kind = Kind::real;
  facts_.marks = 0;
  for (auto& value : numbers().first(rows)) value = std::bit_cast<std::uint64_t>(real_of_bits(before, value));
  for (const auto row : values_.missing) numbers()[row] = missing_real;
}

/// Texts are not kept; that those so far were numbers is.
void ColumnScan::widen_to_text() {
  if (facts_.kind != Kind::nothing || facts_.named > 0) facts_.longest = -1;
  facts_.kind = Kind::text;
  facts_.marks = facts_.blank > 0 ? marks_of(std::string_view()) : 0;
  values_ = {};
  values_.kind = Kind::text;
  if (texts_ == Texts::kept) values_.texts.resize(rows_);
}

/// Whether the values are also natural. What stands where one is missing is not negative.
void ColumnScan::find_negatives(std::size_t rows) {
  if (facts_.kind != Kind::integer || values_.values.empty()) return;
  std::uint64_t all = 0;
  for (const auto value : values_.values.first(rows)) all |= value;
  facts_.has_negative = facts_.has_negative || (all >> 63) != 0;
}

}  // namespace paceline::table
