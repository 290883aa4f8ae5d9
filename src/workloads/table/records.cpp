#include "workloads/table/records.hpp"

#include <algorithm>
#include <cstring>

namespace paceline::table {
namespace {

// Scanned at once: separators and bytes stay in the second-level cache.
constexpr std::size_t piece_bytes = std::size_t{1} << 17;
// Beyond this no guess is followed.
constexpr std::int64_t longest_guessed_ranges = 4;

ScanState state_of(const Dialect& dialect) {
  ScanState state;
  state.delimiter = dialect.delimiter;
  state.quotes = dialect.has_quotes ? ~std::uint64_t{0} : 0;
  return state;
}

class RangeScan {
 public:
  RangeScan(const Layout& layout, const ReadRange& range, Workspace& workspace, ValueMemory& memory, Texts texts)
      : layout_(layout),
        origin_(range.begin),
        bytes_(range.bytes),
        separators_(workspace.separators),
        rows_(workspace.rows),
        ends_(workspace.ends),
        columns_{range.bytes, false, false, {}, layout.dialect, memory, texts},
        facts_(workspace.facts),
        values_(workspace.values) {}

  /// Records from `begin` on, up to the first that begins behind a line feed at or after `last`. False: more bytes are
  /// needed. Positions count from the first byte.
  bool run(std::size_t begin, std::size_t last) {
    const bool has_end = origin_ + std::ssize(bytes_) == layout_.file_bytes;
    record_ = begin;
    const bool is_inside = find_separators_until(last, has_end);
    const bool has_last = find_records(last);
    if (!has_last && facts_.trouble == Trouble::none) {
      facts_.end = origin_ + static_cast<std::int64_t>(record_);
      if (!has_end) return false;
      if (is_inside) {
        // Nothing after this quote closes it.
        const auto* quote = static_cast<const char*>(memrchr(bytes_.data(), '"', bytes_.size()));
        stop(Trouble::unterminated, static_cast<std::size_t>(quote - bytes_.data()));
      }
    }
    facts_.rows = std::ssize(rows_);
    columns_.has_nul = separators_.has_nul;
    columns_.has_quotes = separators_.has_quotes;
    columns_.doubled = separators_.doubled;
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
    const auto& dialect = layout_.dialect;
    const auto fresh = state_of(dialect);
    auto state = fresh;
    auto& positions = separators_.positions;
    auto& line_ends = separators_.line_ends;
    // As if a line feed were before the first record.
    positions.assign(1, static_cast<std::uint32_t>(record_) - 1);
    line_ends.clear();
    separators_.doubled.clear();
    separators_.wrong = Separators::none;
    separators_.has_high_bytes = separators_.has_nul = separators_.has_quotes = false;
    const auto passed = [&](std::size_t at) { return !line_ends.empty() && positions[line_ends.back()] >= at; };
    auto at = record_;
    bool begins_line = true;  // outside of quotes
    while (at < bytes_.size() && separators_.wrong == Separators::none && !passed(last)) {
      if (begins_line && dialect.comment != 0 && bytes_[at] == dialect.comment) {
        // As one field: find_records() leaves it out.
        at = skip_line(bytes_, at);
        state = fresh;
        if (bytes_[at - 1] != '\n') break;
        line_ends.push_back(static_cast<std::uint32_t>(positions.size()));
        positions.push_back(static_cast<std::uint32_t>(at) - 1);
        continue;
      }
      auto size = std::min(piece_bytes, bytes_.size() - at);
      if (dialect.comment != 0) size = next_comment(bytes_.first(at + size), at + 1, dialect) - at;
      find_separators(bytes_.data() + at, size, static_cast<std::uint32_t>(at), state, separators_);
      at += size;
      begins_line = state.inside == 0 && bytes_[at - 1] == '\n';
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
    if (bytes_[at] == '"' && layout_.dialect.has_quotes) return stop(Trouble::quote, at);
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
    const bool is_empty = feed == record_ || (feed == record_ + 1 && bytes_[record_] == '\r');
    return is_empty || (layout_.dialect.comment != 0 && bytes_[record_] == layout_.dialect.comment);
  }

  void take_column(std::size_t k) {
    const auto field = static_cast<std::uint32_t>(layout_.wanted[k]);
    ends_.resize(rows_.size());
    for (std::size_t row = 0; row < rows_.size(); ++row) ends_[row] = rows_[row] + field;
    ColumnScan scan(columns_, layout_.types[k], facts_.columns[k], values_[k]);
    scan.take({bytes_.data(), separators_.positions.data(), ends_, field + 1 == layout_.fields});
    if (scan.nul() != ColumnScan::none) stop(Trouble::nul, scan.nul());
    if (scan.misfit() != ColumnScan::none) stop(Trouble::type, scan.misfit(), static_cast<std::int64_t>(k));
  }

  void check_utf8(std::size_t begin) {
    const auto check = [&](std::size_t from, std::size_t to) {
      const std::string_view part(bytes_.data() + from, to - from);
      if (const auto at = invalid_utf8(part); at != std::string_view::npos) stop(Trouble::utf8, from + at);
    };
    if (layout_.dialect.comment == 0) return check(begin, record_);
    // Comments may be in any encoding.
    for (const auto line_end : separators_.line_ends) {
      const auto end = std::min(std::size_t{separators_.positions[line_end]} + 1, record_);
      if (begin >= end) break;
      if (bytes_[begin] != layout_.dialect.comment) check(begin, end);
      begin = end;
    }
  }

  const Layout& layout_;
  std::int64_t origin_;
  std::span<const char> bytes_;
  Separators& separators_;
  std::vector<std::uint32_t>&rows_, &ends_;
  ColumnSource columns_;
  RangeFacts& facts_;
  RangeValues& values_;
  std::size_t record_ = 0;  ///< where the record begins that is next
};

void clear(Workspace& workspace, std::size_t columns) {
  workspace.facts = {};
  workspace.facts.columns.resize(columns);
  workspace.values.resize(columns);
  for (auto& column : workspace.values) {
    column.kind = Kind::nothing;
    column.has_negative_zero = false;
    column.values = {};
    column.missing.clear();
    column.texts.clear();
  }
}

}  // namespace

bool scan_range(const Layout& layout, const ReadRange& range, Workspace& workspace, ValueMemory& memory) {
  const auto& dialect = layout.dialect;
  const auto bytes = range.bytes.first(std::min(range.bytes.size(), static_cast<std::size_t>(range.size)));
  auto& facts = workspace.facts;
  auto& values = workspace.values;
  clear(workspace, layout.wanted.size());

  // The header, and what is before it, belongs to no record.
  const auto data_begin = layout.data_begin - range.begin;
  std::size_t begin = 0;
  if (data_begin > 0 || range.begin == 0) {
    facts.begins = Place::outside;
    if (data_begin > std::ssize(bytes)) return true;
    begin = static_cast<std::size_t>(data_begin);
    facts.changes = Changes::to(end_of(bytes.subspan(begin), Place::line_start, dialect));
  } else {
    facts.changes = changes_of(bytes, dialect);
    facts.begins = range.begins ? *range.begins : guess_place(bytes, dialect);
    begin = facts.begins == Place::comment ? skip_line(bytes, 0)
                                           : first_feed(bytes, facts.begins == Place::quotes, dialect) + 1;
    const bool has_line = facts.begins != Place::comment || (begin > 0 && bytes[begin - 1] == '\n');
    if (!has_line || begin > bytes.size()) return true;
  }
  if (range.begin + static_cast<std::int64_t>(begin) >= layout.file_bytes) return true;
  for (std::size_t k = 0; k < layout.types.size(); ++k) {
    const bool is_text = !layout.kinds.empty() && layout.kinds[k] == Kind::text;
    facts.columns[k].kind = values[k].kind = is_text ? Kind::text : kind_of(layout.types[k]);
  }
  const auto is_done = RangeScan(layout, range, workspace, memory, Texts::left).run(begin, bytes.size());
  if (!is_done && !range.begins && std::ssize(range.bytes) > longest_guessed_ranges * range.size + (1 << 16)) {
    const auto changes = facts.changes;
    facts = {};
    facts.begins = Place::unknown;
    facts.changes = changes;
    facts.columns.resize(layout.wanted.size());
    for (auto& column : values) column = {};
    return true;
  }
  return is_done;
}

void parse_range(const Layout& layout, const ReadRange& range, std::span<const Kind> kinds, Workspace& workspace) {
  clear(workspace, layout.wanted.size());
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    workspace.facts.columns[k].kind = kinds[k];
    workspace.values[k].kind = kinds[k];
  }
  if (range.bytes.empty()) return;
  workspace.memory.clear();
  RangeScan(layout, range, workspace, workspace.memory, Texts::kept).run(0, range.bytes.size() - 1);
}

std::vector<std::vector<Field>> records_reference(std::span<const char> bytes, const Dialect& dialect) {
  std::vector<std::vector<Field>> records;
  const char* end = bytes.data() + bytes.size();
  const char* field = bytes.data();
  bool is_inside = false;
  bool is_new = true;
  const auto add = [&](const char* to) {
    if (is_new) records.emplace_back();
    is_new = false;
    records.back().push_back(field_of(field, to, dialect.has_quotes));
  };
  for (const char* at = field; at != end; ++at) {
    if (is_new && at == field && dialect.comment != 0 && *at == dialect.comment) {
      const auto next = skip_line(bytes, static_cast<std::size_t>(at - bytes.data()));
      field = bytes.data() + next;
      if (field == end) break;
      at = field - 1;
      continue;
    }
    if (*at == '"' && dialect.has_quotes) is_inside = !is_inside;
    if (is_inside || (*at != dialect.delimiter && *at != '\n')) continue;
    const bool is_return = *at == '\n' && at != field && at[-1] == '\r';
    const bool is_blank = *at == '\n' && is_new && (is_return ? at - 1 : at) == field;
    if (!is_blank) add(is_return ? at - 1 : at);
    if (*at == '\n') is_new = true;
    field = at + 1;
  }
  if (field != end || !is_new) add(field != end && end[-1] == '\r' ? end - 1 : end);
  return records;
}

std::optional<std::size_t> first_record_end(std::span<const char> bytes, const Dialect& dialect) {
  const auto feed = first_feed(bytes, false, dialect);
  return feed == bytes.size() ? std::nullopt : std::optional(feed + 1);
}

}  // namespace paceline::table
