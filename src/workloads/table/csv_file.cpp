#include "workloads/table/csv_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_map>

#include <paceline/error.hpp>

#include "workloads/table/marks.hpp"

namespace paceline::table {
namespace {

// Small enough for the cache, and for large files not too many: each has facts that all ranks hold.
constexpr std::int64_t smallest_range = std::int64_t{256} << 10;
constexpr std::int64_t most_ranges = std::int64_t{1} << 16;
constexpr std::int64_t most_facts = std::int64_t{256} << 20;
// A range is so many times as large as its facts: one of many columns needs some records, too.
constexpr std::int64_t usual_share = 16;
constexpr std::int64_t header_bytes = std::int64_t{64} << 10;
constexpr std::int64_t largest_header = std::int64_t{64} << 20;
constexpr std::size_t names_shown = 20;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t k = 0; k < std::min(names.size(), names_shown); ++k) text += (k > 0 ? ", " : "") + names[k];
  return names.size() > names_shown ? fmt::format("{}, ... ({} in all)", text, names.size()) : text;
}

std::vector<std::int64_t> words_of(const RangeFacts& facts) {
  std::vector<std::int64_t> words = {facts.begins_inside, facts.quotes, facts.begin,
                                     facts.end,           facts.rows,   static_cast<std::int64_t>(facts.trouble),
                                     facts.trouble_at,    facts.detail};
  for (const auto& column : facts.columns) {
    words.insert(words.end(), {static_cast<std::int64_t>(column.kind), column.missing, column.blank, column.marks,
                               column.longest, column.bytes});
  }
  return words;
}

RangeFacts facts_of(std::span<const std::int64_t> words) {
  RangeFacts facts{words[0], words[1], words[2], words[3], words[4], static_cast<Trouble>(words[5]),
                   words[6], words[7], {}};
  for (words = words.subspan(8); !words.empty(); words = words.subspan(6)) {
    facts.columns.push_back({static_cast<Kind>(words[0]), words[1], words[2], words[3], words[4], words[5]});
  }
  return facts;
}

}  // namespace

void CsvFile::open(Source source, std::int64_t keep_bytes) {
  source_ = std::move(source);
  layout_ = {};
  layout_.file_bytes = source_.bytes;
  read_header();
  if (range_bytes_ == 0) choose_range();
  ranges_ = std::max(std::int64_t{1}, (source_.bytes + range_bytes_ - 1) / range_bytes_);
  const auto count = static_cast<std::size_t>(ranges_);
  begins_inside_.assign(count, -1);
  begins_inside_.front() = 0;
  kept_.assign(count, {});
  keep_bytes_ = keep_bytes;
}

void CsvFile::choose_range() {
  const auto facts_bytes = std::ssize(words_of({.columns = std::vector<ColumnFacts>(columns_.size())})) * 8;
  const auto is_too_small = [&] {
    const auto ranges = source_.bytes / range_bytes_;
    return ranges > most_ranges || ranges * facts_bytes > most_facts || range_bytes_ < usual_share * facts_bytes;
  };
  for (range_bytes_ = smallest_range; range_bytes_ < largest_range && is_too_small();) range_bytes_ *= 2;
}

void CsvFile::read_header() {
  const auto fail = [&](const std::string& why, const std::string& suggestion) {
    return Error(ExitCode::input, fmt::format("can't read {}", path_.string()), why, suggestion);
  };
  std::vector<char> head;
  for (auto wanted = header_bytes;; wanted *= 4) {
    head.resize(static_cast<std::size_t>(std::min(wanted, source_.bytes)));
    source_.read(0, head);
    const std::string_view text(head.data(), head.size());
    const std::size_t mark = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
    auto begin = mark;  // blank lines are none of the table
    while (begin < head.size() && (head[begin] == '\n' || head[begin] == '\r')) ++begin;
    const auto rest = std::span<const char>(head).subspan(begin);
    auto end = first_record_end(rest);
    const bool is_whole = std::ssize(head) == source_.bytes;
    if (!end && !is_whole) {
      if (wanted > largest_header)
        throw fail("its first line is too long for a header", "see that its quotes are closed");
      continue;
    }
    if (rest.empty()) throw fail("it is empty", "its first line must name the columns");
    const auto record = rest.first(end.value_or(rest.size()));
    ScanState state;
    Separators found;
    find_separators(record.data(), record.size(), 0, state, found);
    if (found.wrong != Separators::none || state.inside != 0) {
      throw fail("line 1: its quotes are not as RFC 4180 has them",
                 "enclose a field in quotes, and double those in it");
    }
    if (invalid_utf8({record.data(), record.size()}) != std::string_view::npos) {
      throw fail("line 1: it is not UTF-8", "convert it, for example by iconv");
    }
    layout_.data_begin = static_cast<std::int64_t>(begin + record.size());
    std::vector<std::string> names;
    const auto records = records_reference(record);
    for (const auto& field : records.at(0)) names.push_back(text_of(field));
    layout_.fields = std::ssize(names);
    find_names(names);
    return;
  }
}

void CsvFile::find_names(const std::vector<std::string>& header) {
  const auto fail = [&](const std::string& why, const std::string& suggestion) {
    return Error(ExitCode::input, fmt::format("can't take columns of {}", path_.string()), why, suggestion);
  };
  std::unordered_multimap<std::string_view, std::int64_t> places;
  for (std::size_t k = 0; k < header.size(); ++k) places.emplace(header[k], k);
  columns_.clear();
  for (const auto& name : names_.empty() ? header : names_) {
    const auto times = places.count(name);
    if (times == 0) throw fail(fmt::format("there is no column {}", name), fmt::format("there are {}", listed(header)));
    if (times > 1) {
      throw fail(fmt::format("{} columns are named {}", times, name.empty() ? "\"\"" : name),
                 fmt::format("name others: there are {}", listed(header)));
    }
    if (name.empty()) throw fail("a column has no name", "name those you want by --columns");
    layout_.wanted.push_back(places.find(name)->second);
    columns_.push_back({name, Kind::nothing, 0, 0, {}, 0, {}});
  }
}

bool CsvFile::scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) {
  thread_local Workspace workspace;
  thread_local RangeFacts found;
  thread_local RangeValues values;
  const auto at = static_cast<std::size_t>(range);
  if (trouble_) {
    facts = words_of(lines_before_trouble(range, bytes));
    return true;
  }
  std::optional<bool> known;
  if (begins_inside_[at] >= 0) known = begins_inside_[at] == 1;
  // Kept as long as there is room; a range more than that for each thread does no harm.
  const bool is_kept = memory_.taken() < keep_bytes_;
  auto& memory = is_kept ? memory_ : workspace.memory;
  workspace.memory.clear();
  if (!scan_range(layout_, range * range_bytes_, range_bytes_, bytes, known, workspace, memory, found, values)) {
    return false;
  }
  facts = words_of(found);
  if (is_kept) kept_[at] = values;
  return true;
}

bool CsvFile::is_kept(std::int64_t range) const {
  const auto& kept = kept_[static_cast<std::size_t>(range)];
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const bool is_text = kinds_[k] == Kind::text;
    const bool is_changed = kept[k].has_negative_zero && kinds_[k] == Kind::real;
    if (is_text || is_changed) return false;
  }
  const auto at = static_cast<std::size_t>(range);
  return !kept.empty() && std::ssize(kept.front().values) == starts_[at + 1] - starts_[at];
}

/// So that its line can be told: the line feeds that are before it, as `rows`.
RangeFacts CsvFile::lines_before_trouble(std::int64_t range, std::span<const char> bytes) const {
  RangeFacts facts;
  facts.columns.resize(columns_.size());
  const auto begin = range * range_bytes_;
  const auto end = std::min({begin + range_bytes_, begin + std::ssize(bytes), trouble_->trouble_at});
  if (end > begin) facts.rows = std::count(bytes.begin(), bytes.begin() + (end - begin), '\n');
  return facts;
}

std::vector<std::int64_t> CsvFile::conclude(std::span<const std::int64_t> facts) {
  const auto each = facts.size() / static_cast<std::size_t>(ranges_);
  std::vector<RangeFacts> all;
  for (std::size_t at = 0; at < facts.size(); at += each) all.push_back(facts_of(facts.subspan(at, each)));
  if (trouble_) throw error_of(*trouble_, all);

  std::vector<std::int64_t> again;
  std::int64_t inside = 0;
  for (std::size_t r = 0; r < all.size(); ++r) {
    begins_inside_[r] = static_cast<std::int8_t>(inside);
    if (all[r].begins_inside != inside) again.push_back(static_cast<std::int64_t>(r));
    inside ^= all[r].quotes;
  }
  if (!again.empty()) return again;
  const auto bad =
      std::find_if(all.begin(), all.end(), [](const RangeFacts& range) { return range.trouble != Trouble::none; });
  if (bad != all.end()) {
    trouble_ = *bad;
    for (std::int64_t r = 0; r <= trouble_->trouble_at / range_bytes_ && r < ranges_; ++r) again.push_back(r);
    return again;
  }
  if (again = ranges_of_unknown_length(all); !again.empty()) return again;
  settle(all);
  return {};
}

/// Numbers of a column that other ranges have found to be text.
std::vector<std::int64_t> CsvFile::ranges_of_unknown_length(const std::vector<RangeFacts>& all) {
  layout_.kinds.assign(columns_.size(), Kind::nothing);
  for (const auto& range : all) {
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (range.columns[k].kind == Kind::text) layout_.kinds[k] = Kind::text;
    }
  }
  std::vector<std::int64_t> again;
  for (std::size_t r = 0; r < all.size(); ++r) {
    const auto is_unknown = [&](std::size_t k) {
      const auto& here = all[r].columns[k];
      return layout_.kinds[k] == Kind::text && here.kind != Kind::nothing &&
             (here.kind != Kind::text || here.longest < 0);
    };
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      if (!is_unknown(k)) continue;
      again.push_back(static_cast<std::int64_t>(r));
      break;
    }
  }
  return again;
}

/// The column is the widest of its ranges.
void CsvFile::settle(const std::vector<RangeFacts>& all) {
  kinds_.clear();
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    auto& column = columns_[k];
    std::int64_t missing = 0, blank = 0, integers = 0, texts = 0;
    column.kind = Kind::nothing;
    column.longest = 0;
    column.text_starts = {0};
    for (const auto& range : all) {
      const auto& here = range.columns[k];
      column.kind = std::max(column.kind, here.kind);
      missing += here.missing;
      blank += here.blank;
      if (here.kind == Kind::integer) integers |= here.marks;
      if (here.kind == Kind::text) texts |= here.marks;
      column.longest = std::max(column.longest, here.longest);
      column.text_starts.push_back(column.text_starts.back() + here.bytes);
    }
    if (column.kind == Kind::nothing) column.kind = Kind::real;
    if (blank > 0) texts |= 1;
    // In numbers, "" is nothing as well.
    column.missing = missing + (column.kind == Kind::text ? 0 : blank);
    const auto first_free = [&](std::int64_t taken, int count) {
      for (int mark = 0; mark < count; ++mark) {
        if ((taken >> mark & 1) == 0) return mark;
      }
      throw Error(ExitCode::input, fmt::format("can't take column {} of {}", column.name, path_.string()),
                  "its values are all those that could stand for what is missing", "rename one of them");
    };
    column.integer_mark = integer_mark(first_free(integers, integer_marks));
    column.text_mark = text_marks[static_cast<std::size_t>(first_free(texts, std::ssize(text_marks)))];
    if (column.missing > 0) column.longest = std::max(column.longest, std::ssize(column.text_mark));
    kinds_.push_back(column.kind);
  }
  starts_ = {0};
  begins_.clear();
  ends_.clear();
  for (const auto& range : all) {
    starts_.push_back(starts_.back() + range.rows);
    begins_.push_back(std::max(std::int64_t{0}, range.begin));
    ends_.push_back(range.begin < 0 ? 0 : range.end);
  }
}

Error CsvFile::error_of(const RangeFacts& facts, std::span<const RangeFacts> lines) const {
  std::int64_t line = 1;
  for (std::int64_t r = 0; r <= facts.trouble_at / range_bytes_ && r < ranges_; ++r) {
    line += lines[static_cast<std::size_t>(r)].rows;
  }
  const auto tell = [&](const std::string& why, const std::string& suggestion) {
    return Error(ExitCode::input, fmt::format("can't read {}", path_.string()), fmt::format("line {}: {}", line, why),
                 suggestion);
  };
  const std::string quoting = "enclose such a field in quotes, and double those in it (RFC 4180)";
  switch (facts.trouble) {
    case Trouble::fields:
      return tell(
          fmt::format("{} field{}, the header has {}", facts.detail, facts.detail == 1 ? "" : "s", layout_.fields),
          "every record needs as many as the header");
    case Trouble::quote: return tell("a quote within an unquoted field", quoting);
    case Trouble::after_quotes: return tell("something follows quotes that have closed", quoting);
    case Trouble::carriage: return tell("a carriage return without line feed", "end lines by LF or CR LF");
    case Trouble::unterminated: return tell("quotes that begin here are never closed", quoting);
    case Trouble::utf8: return tell("it is not UTF-8", "convert it, for example by iconv");
    case Trouble::nul: return tell("a text has a NUL byte", "HDF5's texts can't hold it; remove it");
    case Trouble::none: break;
  }
  return tell("it is damaged", "");
}

std::int64_t CsvFile::bytes_of(std::int64_t range) const {
  const auto at = static_cast<std::size_t>(range);
  return ends_[at] - begins_[at];
}

std::int64_t CsvFile::most_bytes() const {
  std::int64_t most = 0;
  for (std::int64_t range = 0; range < ranges_; ++range) most = std::max(most, bytes_of(range));
  return most;
}

void CsvFile::parse(std::int64_t range, Parsed& parsed) const {
  const auto at = static_cast<std::size_t>(range);
  parsed.bytes.resize(static_cast<std::size_t>(bytes_of(range)));
  if (!parsed.bytes.empty()) source_.read(begins_[at], parsed.bytes);
  parse_range(layout_, begins_[at], parsed.bytes, kinds_, parsed.workspace, parsed.facts, parsed.values);
  bool is_same = parsed.facts.trouble == Trouble::none && parsed.facts.rows == starts_[at + 1] - starts_[at];
  for (std::size_t k = 0; k < kinds_.size(); ++k) is_same = is_same && parsed.values[k].kind == kinds_[k];
  if (!is_same) {
    throw Error(ExitCode::input, fmt::format("can't read {}", path_.string()), "it has changed while it was read",
                "start again once nobody writes it");
  }
}

void CsvFile::read_reals(std::size_t column, Slab rows, std::span<double> values) const {
  auto range = std::upper_bound(starts_.begin(), starts_.end(), rows.begin) - starts_.begin() - 1;
  for (; range < ranges_ && starts_[static_cast<std::size_t>(range)] < rows.end; ++range) {
    const auto first = starts_[static_cast<std::size_t>(range)];
    const auto wanted = intersect(rows, {first, starts_[static_cast<std::size_t>(range) + 1]});
    if (wanted.empty()) continue;
    with_values(range, [&](const RangeValues& all) {
      const auto& here = all[column];
      for (auto row = wanted.begin; row < wanted.end; ++row) {
        const auto value = here.values[static_cast<std::size_t>(row - first)];
        values[static_cast<std::size_t>(row - rows.begin)] =
            here.kind == Kind::real ? std::bit_cast<double>(value)
                                    : static_cast<double>(static_cast<std::int64_t>(value));
      }
    });
  }
}

std::uint64_t CsvFile::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

std::vector<std::vector<Field>> CsvFile::reference(std::int64_t range, std::vector<char>& bytes) const {
  bytes.resize(static_cast<std::size_t>(bytes_of(range)));
  if (!bytes.empty()) source_.read(begins_[static_cast<std::size_t>(range)], bytes);
  auto records = records_reference(bytes);
  for (auto& record : records) {
    std::vector<Field> wanted;
    for (const auto field : layout_.wanted) wanted.push_back(record.at(static_cast<std::size_t>(field)));
    record = std::move(wanted);
  }
  return records;
}

}  // namespace paceline::table
