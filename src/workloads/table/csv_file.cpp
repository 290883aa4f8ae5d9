#include "workloads/table/csv_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <unordered_map>

#include <paceline/error.hpp>

#include "workloads/table/header.hpp"
#include "workloads/table/marks.hpp"
#include "workloads/table/range_words.hpp"

namespace paceline::table {
namespace {

// Small enough for the cache, and for large files not too many: each has facts that all ranks hold.
constexpr std::int64_t smallest_range = std::int64_t{256} << 10;
constexpr std::int64_t most_ranges = std::int64_t{1} << 16;
constexpr std::int64_t most_facts = std::int64_t{256} << 20;
// A range is so many times as large as its facts: one of many columns needs some records, too.
constexpr std::int64_t usual_share = 16;
constexpr std::size_t names_shown = 20;
// Of a field that is told.
constexpr std::int64_t shown_bytes = 40;

constexpr std::array<std::pair<std::string_view, Type>, 5> types = {{{"float64", Type::float64},
                                                                     {"int64", Type::int64},
                                                                     {"uint64", Type::uint64},
                                                                     {"text", Type::text},
                                                                     {"time", Type::time}}};

Type type_of(std::string_view name) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.first == name; });
  return found == types.end() ? Type::any : found->second;
}

std::string_view name_of(Type type) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const auto& other) { return other.second == type; });
  return found == types.end() ? "value" : found->first;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t k = 0; k < std::min(names.size(), names_shown); ++k) text += (k > 0 ? ", " : "") + names[k];
  return names.size() > names_shown ? fmt::format("{}, ... ({} in all)", text, names.size()) : text;
}

}  // namespace

std::span<const std::string_view> type_names() {
  static const auto names = [] {
    std::array<std::string_view, types.size()> all;
    for (std::size_t k = 0; k < types.size(); ++k) all[k] = types[k].first;
    return all;
  }();
  return names;
}

CsvFile::CsvFile(std::filesystem::path path, std::vector<ListedName> names, std::int64_t range_bytes,
                 const CsvOptions& options)
    : path_(std::move(path)), names_(std::move(names)), range_bytes_(range_bytes), options_(options) {
  (void)options_.dialect();  // to refuse what makes no sense
}

void CsvFile::open(Source source, std::int64_t keep_bytes) {
  source_ = std::move(source);
  auto header = read_header(source_, path_, options_);
  layout_ = {};
  layout_.dialect = std::move(header.dialect);
  layout_.data_begin = header.data_begin;
  layout_.fields = std::ssize(header.names);
  layout_.file_bytes = source_.bytes;
  find_names(header.names);
  if (range_bytes_ == 0) choose_range();
  ranges_ = std::max(std::int64_t{1}, (source_.bytes + range_bytes_ - 1) / range_bytes_);
  const auto count = static_cast<std::size_t>(ranges_);
  places_.assign(count, Place::unknown);
  places_.front() = Place::outside;
  kept_.assign(count, {});
  keep_bytes_ = keep_bytes;
}

void CsvFile::choose_range() {
  RangeFacts of_one;
  of_one.columns.resize(columns_.size());
  const auto facts_bytes = std::ssize(words_of(of_one)) * std::int64_t{sizeof(std::int64_t)};
  const auto is_too_small = [&] {
    const auto ranges = source_.bytes / range_bytes_;
    return ranges > most_ranges || ranges * facts_bytes > most_facts || range_bytes_ < usual_share * facts_bytes;
  };
  for (range_bytes_ = smallest_range; range_bytes_ < largest_range && is_too_small();) range_bytes_ *= 2;
}

void CsvFile::find_names(const std::vector<std::string>& header) {
  std::unordered_map<std::string_view, std::int64_t> places;
  for (std::size_t k = 0; k < header.size(); ++k) places.emplace(header[k], k);
  columns_.clear();
  std::vector<ListedName> all;
  for (const auto& name : header) all.push_back({name, {}});
  for (const auto& [name, type] : names_.empty() ? all : names_) {
    const auto found = places.find(name);
    if (found == places.end()) {
      throw Error(ErrorKind::input, fmt::format("can't take columns of {}", path_.string()),
                  fmt::format("there is no column {}", name), fmt::format("there are {}", listed(header)));
    }
    layout_.wanted.push_back(found->second);
    layout_.types.push_back(type_of(type));
    columns_.push_back({name, layout_.types.back(), Kind::nothing, 0, 0, {}, 0, {}});
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
  std::optional<Place> known;
  if (places_[at] != Place::unknown) known = places_[at];
  // Kept as long as there is room; a range more than that for each thread does no harm.
  const bool is_kept = memory_.taken() < keep_bytes_ && memory_.is_worth_it();
  auto& memory = is_kept ? memory_ : workspace.memory;
  workspace.memory.clear();
  if (!scan_range(layout_, range * range_bytes_, range_bytes_, bytes, known, workspace, memory, found, values)) {
    facts = {found.end};
    return false;
  }
  facts = words_of(found);
  if (is_kept) kept_[at] = values;
  return true;
}

bool CsvFile::is_kept(std::int64_t range) const {
  const auto& kept = kept_[static_cast<std::size_t>(range)];
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const bool is_text = kinds_[k] == Kind::text || kept[k].kind == Kind::text;
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

std::vector<std::int64_t> CsvFile::reduce(std::span<const std::int64_t> facts) {
  const auto each = facts.size() / static_cast<std::size_t>(ranges_);
  std::vector<RangeFacts> all;
  for (std::size_t at = 0; at < facts.size(); at += each) all.push_back(facts_of(facts.subspan(at, each)));
  if (trouble_) throw error_of(*trouble_, all);

  std::vector<std::int64_t> again;
  auto place = Place::outside;
  for (std::size_t r = 0; r < all.size(); ++r) {
    places_[r] = all[r].changes.settled(place);
    if (all[r].begins != places_[r]) again.push_back(static_cast<std::int64_t>(r));
    place = all[r].changes.after(place);
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

/// Numbers, and words for what is missing, of a column that other ranges have found to be text.
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
      if (layout_.kinds[k] != Kind::text || (here.kind == Kind::nothing && here.named == 0)) return false;
      return here.kind != Kind::text || here.longest < 0;
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
    ColumnFacts sum;
    std::int64_t integers = 0, naturals = 0, texts = 0;
    sum.kind = kind_of(column.type);
    column.longest = 0;
    column.text_starts = {0};
    for (const auto& range : all) {
      const auto& here = range.columns[k];
      sum.kind = std::max(sum.kind, here.kind);
      sum.has_negative = sum.has_negative || here.has_negative;
      sum.missing += here.missing;
      sum.blank += here.blank;
      sum.named += here.named;
      if (here.kind == Kind::integer) integers |= here.marks;
      if (here.kind == Kind::natural) naturals |= here.marks;
      column.longest = std::max(column.longest, here.longest);
      column.text_starts.push_back(column.text_starts.back() + here.bytes);
      texts |= here.kind == Kind::text ? here.marks | here.named_marks : here.named_marks;
    }
    // No type holds both what is negative and what is 2^63 or more.
    if (sum.kind == Kind::nothing || (sum.kind == Kind::natural && sum.has_negative)) sum.kind = Kind::real;
    column.kind = sum.kind;
    if (sum.blank > 0) texts |= 1;
    // In numbers, "" and NA are nothing as well.
    column.missing = sum.missing + (column.kind == Kind::text ? 0 : sum.blank + sum.named);
    const auto first_free = [&](std::int64_t taken, int count) {
      for (int mark = 0; mark < count; ++mark) {
        if ((taken >> mark & 1) == 0) return mark;
      }
      throw Error(ErrorKind::input, fmt::format("can't take column {} of {}", column.name, path_.string()),
                  "its values are all those that could stand for what is missing", "rename one of them");
    };
    switch (column.kind) {
      case Kind::integer:
        column.mark = static_cast<std::uint64_t>(integer_mark(first_free(integers, integer_marks)));
        break;
      case Kind::natural: column.mark = natural_mark(first_free(naturals, integer_marks)); break;
      case Kind::text:
        column.text_mark = text_marks[static_cast<std::size_t>(first_free(texts, std::ssize(text_marks)))];
        break;
      default: column.mark = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
    }
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
    return Error(ErrorKind::input, fmt::format("can't read {}", path_.string()), fmt::format("line {}: {}", line, why),
                 suggestion);
  };
  const std::string quoting = "enclose such a field in quotes, and double those in it (RFC 4180)";
  switch (facts.trouble) {
    case Trouble::fields:
      return tell(
          fmt::format("{} field{}, the header has {}", facts.detail, facts.detail == 1 ? "" : "s", layout_.fields),
          "every record needs as many as the header");
    case Trouble::quote: return tell("a quote within an unquoted field", quoting + "; or add --no-quotes");
    case Trouble::after_quotes: return tell("something follows quotes that have closed", quoting);
    case Trouble::carriage: return tell("a carriage return without line feed", "end lines by LF or CR LF");
    case Trouble::unterminated: return tell("quotes that begin here are never closed", quoting);
    case Trouble::utf8: return tell("it is not UTF-8", "add --encoding latin-1, or whatever it is");
    case Trouble::nul: return tell("a text has a NUL byte", "HDF5's texts can't hold it; remove it");
    case Trouble::type: {
      const auto& column = columns_[static_cast<std::size_t>(facts.detail)];
      return tell(
          fmt::format("{} is no {} for the column {}", field_at(facts.trouble_at), name_of(column.type), column.name),
          "leave its type out of --columns, or give another");
    }
    case Trouble::none: break;
  }
  return tell("it is damaged", "");
}

/// For a message; a long one is cut.
std::string CsvFile::field_at(std::int64_t at) const {
  std::vector<char> bytes(static_cast<std::size_t>(std::min(shown_bytes, source_.bytes - at)));
  source_.read(at, bytes);
  const auto end = std::find_if(bytes.begin(), bytes.end(), [&](char byte) {
    return byte == layout_.dialect.delimiter || byte == '\n' || byte == '\r' || byte == '"';
  });
  return std::string(bytes.begin(), end);
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
    throw Error(ErrorKind::input, fmt::format("can't read {}", path_.string()), "it has changed while it was read",
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
        values[static_cast<std::size_t>(row - rows.begin)] = real_of_bits(here.kind, value);
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
  auto records = records_reference(bytes, layout_.dialect);
  for (auto& record : records) {
    std::vector<Field> wanted;
    for (const auto field : layout_.wanted) wanted.push_back(record.at(static_cast<std::size_t>(field)));
    record = std::move(wanted);
  }
  return records;
}

}  // namespace paceline::table
