#include "workloads/table/records.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "workloads/table/marks.hpp"
#include "workloads/table/plain_numbers.hpp"

namespace paceline::table {
namespace {

// Scanned at once: separators and bytes stay in the second-level cache.
constexpr std::size_t piece_bytes = std::size_t{1} << 17;
// Beyond this no guess is followed.
constexpr std::int64_t longest_guessed_ranges = 4;
// Quotes that a guess looks at.
constexpr int guess_quotes = 64;
constexpr double missing_real = std::numeric_limits<double>::quiet_NaN();

/// Quotes have separators beside them on one side: which way round is it here?
bool guess_inside(std::span<const char> range) {
  int wrong[2] = {0, 0};
  bool inside[2] = {false, true};
  int seen = 0;
  const auto* at = range.data();
  const auto* end = range.data() + range.size();
  while (seen < guess_quotes) {
    at = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    const char before = at > range.data() ? at[-1] : ',';
    const char after = at + 1 < end ? at[1] : ',';
    for (int k = 0; k < 2; ++k) {
      const bool is_fine = inside[k] ? after == ',' || after == '\n' || after == '\r' || after == '"'
                                     : before == ',' || before == '\n' || before == '"';
      wrong[k] += is_fine ? 0 : 1;
      inside[k] = !inside[k];
    }
    ++seen;
    ++at;
  }
  return wrong[1] < wrong[0];
}

/// The first line feed outside of quotes, or the end.
std::size_t first_feed(std::span<const char> bytes, bool inside) {
  const auto find = [&](char byte, std::size_t from, std::size_t to) {
    const auto* at = static_cast<const char*>(std::memchr(bytes.data() + from, byte, to - from));
    return at == nullptr ? to : static_cast<std::size_t>(at - bytes.data());
  };
  for (std::size_t at = 0; at < bytes.size(); inside = !inside) {
    const auto feed = inside ? bytes.size() : find('\n', at, bytes.size());
    const auto quote = find('"', at, feed);
    if (quote == feed) return feed;
    at = quote + 1;
  }
  return bytes.size();
}

/// Of the number of quotes: 1 if it is odd.
std::int64_t parity_of_quotes(std::span<const char> bytes) {
  // Most files have none, which the C library finds much quicker than it could be counted.
  const auto* first = static_cast<const char*>(std::memchr(bytes.data(), '"', bytes.size()));
  return first == nullptr ? 0 : std::count(first, bytes.data() + bytes.size(), '"') % 2;
}

class RangeScan {
 public:
  RangeScan(const Layout& layout, std::int64_t origin, std::span<const char> bytes, Workspace& workspace,
            ValueMemory& memory, RangeFacts& facts, RangeValues& values, bool keep_texts)
      : layout_(layout),
        origin_(origin),
        bytes_(bytes),
        separators_(workspace.separators),
        rows_(workspace.rows),
        ends_(workspace.ends),
        memory_(memory),
        facts_(facts),
        values_(values),
        keep_texts_(keep_texts) {}

  /// Records from `begin` on, up to the first that begins behind a line feed at or after `last`. False: more bytes are
  /// needed. Positions count from the first byte.
  bool run(std::size_t begin, std::size_t last) {
    const bool has_end = origin_ + std::ssize(bytes_) == layout_.file_bytes;
    record_ = begin;
    const bool is_inside = find_separators_until(last, has_end);
    const bool has_last = find_records(last);
    if (!has_last && facts_.trouble == Trouble::none) {
      if (!has_end) return false;
      if (is_inside) {
        // Nothing after this quote closes it.
        const auto* quote = static_cast<const char*>(memrchr(bytes_.data(), '"', bytes_.size()));
        stop(Trouble::unterminated, static_cast<std::size_t>(quote - bytes_.data()));
      }
    }
    facts_.rows = std::ssize(rows_);
    for (std::size_t k = 0; k < values_.size(); ++k) take_column(k);
    if (separators_.has_high_bytes) check_utf8(begin);
    facts_.begin = origin_ + static_cast<std::int64_t>(begin);
    facts_.end = origin_ + static_cast<std::int64_t>(record_);
    return true;
  }

 private:
  /// From the first record on, to a line feed at or after `last`, to something wrong, or as far as there are bytes.
  /// True: the last of these are in quotes.
  bool find_separators_until(std::size_t last, bool has_end) {
    ScanState state;
    auto& positions = separators_.positions;
    auto& line_ends = separators_.line_ends;
    // As if a line feed were before the first record.
    positions.assign(1, static_cast<std::uint32_t>(record_) - 1);
    line_ends.clear();
    separators_.wrong = Separators::none;
    separators_.has_high_bytes = false;
    const auto passed = [&](std::size_t at) { return !line_ends.empty() && positions[line_ends.back()] >= at; };
    auto at = record_;
    while (at < bytes_.size() && separators_.wrong == Separators::none && !passed(last)) {
      const auto size = std::min(piece_bytes, bytes_.size() - at);
      find_separators(bytes_.data() + at, size, static_cast<std::uint32_t>(at), state, separators_);
      at += size;
    }
    if (at == bytes_.size() && has_end && state.inside == 0 && record_ < at && !passed(at - 1)) {
      // The last line may have no end.
      line_ends.push_back(static_cast<std::uint32_t>(positions.size()));
      positions.push_back(static_cast<std::uint32_t>(at));
    }
    return state.inside != 0;
  }

  /// Of several things that are wrong the first one counts.
  void stop(Trouble trouble, std::size_t at, std::int64_t detail = 0) {
    const auto position = origin_ + static_cast<std::int64_t>(at);
    if (facts_.trouble != Trouble::none && facts_.trouble_at <= position) return;
    facts_.trouble = trouble;
    facts_.trouble_at = position;
    facts_.detail = detail;
  }

  void stop_at_wrong_byte() {
    const auto at = std::size_t{separators_.wrong};
    if (bytes_[at] == '"') return stop(Trouble::quote, at);
    stop(at > 0 && bytes_[at - 1] == '\r' ? Trouble::carriage : Trouble::after_quotes, at);
  }

  /// Those whose ends are known. True when the last one of the range is among them.
  bool find_records(std::size_t last) {
    const auto fields = static_cast<std::size_t>(layout_.fields);
    rows_.clear();
    std::size_t first = 1;  // separator of a record
    for (const auto line_end : separators_.line_ends) {
      const std::size_t feed = separators_.positions[line_end];
      if (separators_.wrong <= feed) break;
      const auto found = line_end + 1 - first;
      if (found != 1 || !is_blank(feed)) {
        if (found != fields) {
          stop(Trouble::fields, record_, static_cast<std::int64_t>(found));
          return false;
        }
        rows_.push_back(static_cast<std::uint32_t>(first));
      }
      record_ = std::min(feed + 1, bytes_.size());
      first = line_end + 1;
      if (feed >= last) return true;
    }
    // What is wrong may be in a record that has no end because of it.
    if (separators_.wrong != Separators::none) stop_at_wrong_byte();
    return false;
  }

  [[nodiscard]] bool is_blank(std::size_t feed) const {
    return feed == record_ || (feed == record_ + 1 && bytes_[record_] == '\r');
  }

  /// A column of the records in rows_: plain numbers together, anything else one by one.
  void take_column(std::size_t k) {
    auto& column = facts_.columns[k];
    auto& kept = values_[k];
    const auto field = static_cast<std::uint32_t>(layout_.wanted[k]);
    ends_.resize(rows_.size());
    for (std::size_t row = 0; row < rows_.size(); ++row) ends_[row] = rows_[row] + field;
    if (column.kind != Kind::text) kept.values = memory_.take(rows_.size());
    FieldRun run{bytes_.data(), separators_.positions.data(), ends_, field + 1 == layout_.fields};
    for (std::size_t row = 0; row < ends_.size(); ++row) {
      if (column.kind == Kind::real || column.kind == Kind::integer) {
        run.ends = std::span(ends_).subspan(row);
        row += take_plain_numbers(run, column.kind, kept.values.data() + row);
        if (row == ends_.size()) return;
      }
      const auto* separator = run.positions + ends_[row];
      auto end = std::size_t{separator[0]};
      const auto begin = std::size_t{separator[-1] + 1};
      if (run.ends_line && end > begin && bytes_[end - 1] == '\r') --end;
      take_field(k, row, bytes_.data() + begin, bytes_.data() + end);
    }
  }

  void take_field(std::size_t k, std::size_t row, const char* begin, const char* end) {
    auto& column = facts_.columns[k];
    auto& kept = values_[k];
    if (begin == end) {
      ++column.missing;
      return skip(kept, row, {});
    }
    const auto field = field_of(begin, end);
    if (field.inner.empty()) {
      ++column.blank;
      column.marks |= column.kind == Kind::text ? marks_of(std::string_view()) : 0;
      return skip(kept, row, field);
    }
    if (column.kind == Kind::text) return take_text(k, field);
    const auto* from = field.inner.data();
    const auto number = parse_number(from, from + field.inner.size(), bytes_.data() + bytes_.size());
    if (number.kind == Kind::text) {
      widen_to_text(k);
      return take_text(k, field);
    }
    if (number.kind == Kind::integer && column.kind != Kind::real) {
      column.kind = Kind::integer;
      kept.kind = Kind::integer;
      kept.has_negative_zero = kept.has_negative_zero || number.is_negative_zero;
      column.marks |= marks_of(number.integer);
      kept.values[row] = static_cast<std::uint64_t>(number.integer);
      return;
    }
    if (column.kind != Kind::real) widen_to_real(k, row);
    const auto value = number.kind == Kind::real ? number.real
                       : number.is_negative_zero ? -0.0
                                                 : static_cast<double>(number.integer);
    kept.values[row] = std::bit_cast<std::uint64_t>(value);
  }

  void skip(ColumnValues& kept, std::size_t row, const Field& field) {
    if (kept.kind == Kind::text) {
      if (keep_texts_) kept.texts.push_back(field);
      return;
    }
    kept.missing.push_back(static_cast<std::uint32_t>(row));
    kept.values[row] = std::bit_cast<std::uint64_t>(missing_real);
  }

  void take_text(std::size_t k, const Field& field) {
    auto& column = facts_.columns[k];
    if (keep_texts_) values_[k].texts.push_back(field);
    if (field.inner.size() < 16) column.marks |= marks_of(std::string_view(text_of(field)));
    if (const auto at = field.inner.find('\0'); at != std::string_view::npos) {
      stop(Trouble::nul, static_cast<std::size_t>(field.inner.data() - bytes_.data()) + at);
    }
  }

  /// An integer that was "-0" is not what it would be as a real: has_negative_zero stays.
  void widen_to_real(std::size_t k, std::size_t rows) {
    auto& kept = values_[k];
    facts_.columns[k].kind = Kind::real;
    facts_.columns[k].marks = 0;
    kept.kind = Kind::real;
    for (auto& value : kept.values.first(rows)) {
      value = std::bit_cast<std::uint64_t>(static_cast<double>(static_cast<std::int64_t>(value)));
    }
    for (const auto row : kept.missing) kept.values[row] = std::bit_cast<std::uint64_t>(missing_real);
  }

  /// Texts are not kept; that those so far were numbers is.
  void widen_to_text(std::size_t k) {
    auto& column = facts_.columns[k];
    column.kind = Kind::text;
    column.marks = column.blank > 0 ? marks_of(std::string_view()) : 0;
    values_[k] = {};
    values_[k].kind = Kind::text;
  }

  void check_utf8(std::size_t begin) {
    const std::string_view all(bytes_.data() + begin, record_ - begin);
    if (const auto at = invalid_utf8(all); at != std::string_view::npos) stop(Trouble::utf8, begin + at);
  }

  const Layout& layout_;
  std::int64_t origin_;
  std::span<const char> bytes_;
  Separators& separators_;
  std::vector<std::uint32_t>&rows_, &ends_;
  ValueMemory& memory_;
  RangeFacts& facts_;
  RangeValues& values_;
  bool keep_texts_;
  std::size_t record_ = 0;  ///< where the record begins that is next
};

void clear(RangeValues& values, std::size_t columns) {
  values.resize(columns);
  for (auto& column : values) {
    column.kind = Kind::nothing;
    column.has_negative_zero = false;
    column.values = {};
    column.missing.clear();
    column.texts.clear();
  }
}

}  // namespace

bool scan_range(const Layout& layout, std::int64_t range_begin, std::int64_t range_bytes, std::span<const char> bytes,
                std::optional<bool> begins_inside, Workspace& workspace, ValueMemory& memory, RangeFacts& facts,
                RangeValues& values) {
  const auto range = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(range_bytes)));
  facts = {};
  facts.columns.resize(layout.wanted.size());
  clear(values, layout.wanted.size());
  facts.quotes = parity_of_quotes(range);
  const bool is_inside = begins_inside ? *begins_inside : guess_inside(range);
  facts.begins_inside = is_inside ? 1 : 0;

  // The header, and what is before it, belongs to no record.
  const auto data_begin = layout.data_begin - range_begin;
  std::size_t begin = 0;
  if (data_begin > 0) {
    if (range_begin == 0) facts.begins_inside = 0;
    if (data_begin > std::ssize(range)) return true;
    begin = static_cast<std::size_t>(data_begin);
  } else {
    begin = first_feed(range, is_inside) + 1;
    if (begin > range.size()) return true;
  }
  if (range_begin + static_cast<std::int64_t>(begin) >= layout.file_bytes) return true;
  const auto is_done =
      RangeScan(layout, range_begin, bytes, workspace, memory, facts, values, false).run(begin, range.size());
  if (!is_done && !begins_inside && std::ssize(bytes) > longest_guessed_ranges * range_bytes + (1 << 16)) {
    facts = {};
    facts.begins_inside = -1;
    facts.quotes = parity_of_quotes(range);
    facts.columns.resize(layout.wanted.size());
    for (auto& column : values) column = {};
    return true;
  }
  return is_done;
}

void parse_range(const Layout& layout, std::int64_t begin, std::span<const char> bytes, std::span<const Kind> kinds,
                 Workspace& workspace, RangeFacts& facts, RangeValues& values) {
  facts = {};
  facts.columns.resize(layout.wanted.size());
  clear(values, layout.wanted.size());
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    facts.columns[k].kind = kinds[k];
    values[k].kind = kinds[k];
  }
  if (bytes.empty()) return;
  workspace.memory.clear();
  RangeScan(layout, begin, bytes, workspace, workspace.memory, facts, values, true).run(0, bytes.size() - 1);
}

std::vector<std::vector<Field>> records_reference(std::span<const char> bytes) {
  std::vector<std::vector<Field>> records;
  const char* end = bytes.data() + bytes.size();
  const char* field = bytes.data();
  bool is_inside = false;
  bool is_new = true;
  const auto add = [&](const char* to) {
    if (is_new) records.emplace_back();
    is_new = false;
    records.back().push_back(field_of(field, to));
  };
  for (const char* at = field; at != end; ++at) {
    if (*at == '"') is_inside = !is_inside;
    if (is_inside || (*at != ',' && *at != '\n')) continue;
    const bool is_return = *at == '\n' && at != field && at[-1] == '\r';
    const bool is_blank = *at == '\n' && is_new && (is_return ? at - 1 : at) == field;
    if (!is_blank) add(is_return ? at - 1 : at);
    if (*at == '\n') is_new = true;
    field = at + 1;
  }
  if (field != end || !is_new) add(field != end && end[-1] == '\r' ? end - 1 : end);
  return records;
}

std::optional<std::size_t> first_record_end(std::span<const char> bytes) {
  const auto feed = first_feed(bytes, false);
  return feed == bytes.size() ? std::nullopt : std::optional(feed + 1);
}

}  // namespace paceline::table
