#include "workloads/table/columns.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "workloads/table/marks.hpp"

namespace paceline::table {
namespace {

/// Of the text, in bytes.
std::int64_t size_of(const Field& field) {
  const auto size = std::ssize(field.inner);
  return field.is_quoted ? size - std::count(field.inner.begin(), field.inner.end(), '"') / 2 : size;
}

constexpr auto missing_real = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());

}  // namespace

std::size_t ColumnScan::take(FieldRun run) {
  const auto ends = run.ends;
  rows_ = ends.size();
  for (std::size_t row = 0; row < ends.size(); ++row) {
    if (facts_.kind == Kind::real || facts_.kind == Kind::integer) {
      run.ends = ends.subspan(row);
      row += take_plain_numbers(run, facts_.kind, numbers().data() + row);
      if (row == ends.size()) break;
    }
    const auto* separator = run.positions + ends[row];
    auto end = std::size_t{separator[0]};
    const auto begin = std::size_t{separator[-1] + 1};
    if (run.ends_line && end > begin && bytes_[end - 1] == '\r') --end;
    take_field(row, bytes_.data() + begin, bytes_.data() + end);
  }
  return nul_;
}

std::span<std::uint64_t> ColumnScan::numbers() {
  if (values_.values.empty()) values_.values = memory_.take(rows_);
  return values_.values;
}

void ColumnScan::take_field(std::size_t row, const char* begin, const char* end) {
  if (begin == end) {
    ++facts_.missing;
    return skip(row, {});
  }
  const auto field = field_of(begin, end);
  if (field.inner.empty()) {
    ++facts_.blank;
    facts_.marks |= facts_.kind == Kind::text ? marks_of(std::string_view()) : 0;
    return skip(row, field);
  }
  if (facts_.kind == Kind::text) return take_text(field);
  const auto* from = field.inner.data();
  const auto number = parse_number(from, from + field.inner.size(), bytes_.data() + bytes_.size());
  if (number.kind != Kind::text) return take_number(row, number);
  widen_to_text();
  take_text(field);
}

void ColumnScan::take_number(std::size_t row, const Number& number) {
  if (number.kind == Kind::integer && facts_.kind != Kind::real) {
    facts_.kind = values_.kind = Kind::integer;
    values_.has_negative_zero = values_.has_negative_zero || number.is_negative_zero;
    facts_.marks |= marks_of(number.integer);
    numbers()[row] = static_cast<std::uint64_t>(number.integer);
    return;
  }
  if (facts_.kind != Kind::real) widen_to_real(row);
  const auto value = number.kind == Kind::real ? number.real
                     : number.is_negative_zero ? -0.0
                                               : static_cast<double>(number.integer);
  numbers()[row] = std::bit_cast<std::uint64_t>(value);
}

void ColumnScan::take_text(const Field& field) {
  if (keeps_texts_) values_.texts.push_back(field);
  const auto size = size_of(field);
  if (facts_.longest >= 0) facts_.longest = std::max(facts_.longest, size);
  facts_.bytes += size;
  if (field.inner.size() < 16) facts_.marks |= marks_of(std::string_view(text_of(field)));
  if (const auto at = field.inner.find('\0'); at != std::string_view::npos) {
    nul_ = std::min(nul_, static_cast<std::size_t>(field.inner.data() - bytes_.data()) + at);
  }
}

void ColumnScan::skip(std::size_t row, const Field& field) {
  if (facts_.kind == Kind::text) {
    if (keeps_texts_) values_.texts.push_back(field);
    return;
  }
  values_.missing.push_back(static_cast<std::uint32_t>(row));
  numbers()[row] = missing_real;
}

/// Of the rows so far. An integer that was "-0" is not what it would be as a real: has_negative_zero stays.
void ColumnScan::widen_to_real(std::size_t rows) {
  facts_.kind = values_.kind = Kind::real;
  facts_.marks = 0;
  for (auto& value : numbers().first(rows)) {
    value = std::bit_cast<std::uint64_t>(static_cast<double>(static_cast<std::int64_t>(value)));
  }
  for (const auto row : values_.missing) numbers()[row] = missing_real;
}

/// Texts are not kept; that those so far were numbers is.
void ColumnScan::widen_to_text() {
  if (facts_.kind != Kind::nothing) facts_.longest = -1;
  facts_.kind = Kind::text;
  facts_.marks = facts_.blank > 0 ? marks_of(std::string_view()) : 0;
  values_ = {};
  values_.kind = Kind::text;
}

}  // namespace paceline::table
