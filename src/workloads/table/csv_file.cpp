#include "workloads/table/csv_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include <paceline/error.hpp>

#include "workloads/table/csv_errors.hpp"
#include "workloads/table/header.hpp"
#include "workloads/table/packed_values.hpp"
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

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t k = 0; k < std::min(names.size(), names_shown); ++k) text += (k > 0 ? ", " : "") + names[k];
  return names.size() > names_shown ? fmt::format("{}, ... ({} in all)", text, names.size()) : text;
}

}  // namespace

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
  auto& scratch = scratch_.mine(pages_);
  scratch.range = no_range;
  auto& workspace = scratch.workspace;
  const auto at = static_cast<std::size_t>(range);
  kept_[at].clear();  // of a guess that was wrong
  if (trouble_) {
    facts = words_of(lines_before_trouble(range, bytes));
    return true;
  }
  std::optional<Place> known;
  if (places_[at] != Place::unknown) known = places_[at];
  workspace.memory.clear();
  if (!scan_range(layout_, {range * range_bytes_, range_bytes_, bytes, known}, workspace, workspace.memory)) {
    facts = {workspace.facts.end};
    return false;
  }
  facts = words_of(workspace.facts);
  // As long as there is room; a range more than that for each thread does no harm.
  if (kept_bytes_ < keep_bytes_ && pages_.are_worth_it()) keep(range, workspace.values, scratch.kept);
  return true;
}

void CsvFile::keep(std::int64_t range, const RangeValues& values, ValueMemory& memory) {
  auto& kept = kept_[static_cast<std::size_t>(range)];
  // Texts are not kept, so that all is parsed again.
  const auto is_text = [](const ColumnValues& column) { return column.kind == Kind::text; };
  if (std::any_of(values.begin(), values.end(), is_text)) return;
  std::int64_t taken = 0;
  for (const auto& column : values) {
    const auto rows = column.values.size();
    // What stands where one is missing must not keep others from being packed.
    for (const auto row : column.missing) column.values[row] = 0;
    const auto memory_of_all = memory.take(rows);
    auto* numbers = reinterpret_cast<std::int32_t*>(memory_of_all.data());
    KeptColumn all{column.kind,   column.has_negative_zero, pack(column.kind, column.values, numbers), {}, {},
                   column.missing};
    if (all.places) {
      all.packed = {numbers, rows};
      memory.give_back(rows / 2);
    } else {
      std::copy(column.values.begin(), column.values.end(), memory_of_all.begin());
      all.values = memory_of_all;
    }
    taken += static_cast<std::int64_t>(all.packed.size_bytes() + all.values.size_bytes());
    kept.push_back(std::move(all));
  }
  kept_bytes_ += taken;
}

bool CsvFile::is_kept(std::int64_t range) const {
  const auto& kept = kept_[static_cast<std::size_t>(range)];
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const bool is_changed = kept[k].has_negative_zero && kinds_[k] == Kind::real;
    if (kinds_[k] == Kind::text || is_changed) return false;
  }
  const auto at = static_cast<std::size_t>(range);
  return !kept.empty() && static_cast<std::int64_t>(kept.front().rows()) == starts_[at + 1] - starts_[at];
}

const RangeValues& CsvFile::values(std::int64_t range) const {
  auto& scratch = scratch_.mine(pages_);
  if (scratch.range != range) {
    scratch.range = no_range;
    if (is_kept(range)) {
      unpack_kept(range, scratch.workspace);
    } else {
      parse(range, scratch);
    }
    scratch.range = range;
  }
  return scratch.workspace.values;
}

void CsvFile::unpack_kept(std::int64_t range, Workspace& workspace) const {
  const auto& kept = kept_[static_cast<std::size_t>(range)];
  workspace.memory.clear();
  workspace.values.resize(kept.size());
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const auto& column = kept[k];
    auto all = column.values;
    if (column.places) {
      all = workspace.memory.take(column.packed.size());
      unpack(column.kind, *column.places, column.packed, all.data());
    }
    workspace.values[k] = {column.kind, column.has_negative_zero, all, column.missing, {}};
  }
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

/// `lines`: of each range, as lines_before_trouble() has them.
std::int64_t CsvFile::line_of_trouble(std::span<const RangeFacts> lines) const {
  std::int64_t line = 1;
  for (std::int64_t r = 0; r <= trouble_->trouble_at / range_bytes_ && r < ranges_; ++r) {
    line += lines[static_cast<std::size_t>(r)].rows;
  }
  return line;
}

std::vector<std::int64_t> CsvFile::reduce(std::span<const std::int64_t> facts) {
  const auto each = facts.size() / static_cast<std::size_t>(ranges_);
  std::vector<RangeFacts> all;
  for (std::size_t at = 0; at < facts.size(); at += each) all.push_back(facts_of(facts.subspan(at, each)));
  if (trouble_) throw error_of({path_, source_, layout_, columns_}, *trouble_, line_of_trouble(all));

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

void CsvFile::settle(const std::vector<RangeFacts>& all) {
  settle_columns(columns_, all, path_);
  kinds_.clear();
  for (const auto& column : columns_) kinds_.push_back(column.kind);
  starts_ = {0};
  begins_.clear();
  ends_.clear();
  for (const auto& range : all) {
    starts_.push_back(starts_.back() + range.rows);
    begins_.push_back(std::max(std::int64_t{0}, range.begin));
    ends_.push_back(range.begin < 0 ? 0 : range.end);
  }
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

void CsvFile::parse(std::int64_t range, Scratch& scratch) const {
  const auto at = static_cast<std::size_t>(range);
  scratch.bytes.resize(static_cast<std::size_t>(bytes_of(range)));
  if (!scratch.bytes.empty()) source_.read(begins_[at], scratch.bytes);
  parse_range(layout_, {begins_[at], bytes_of(range), scratch.bytes, {}}, kinds_, scratch.workspace);
  const auto& facts = scratch.workspace.facts;
  const auto& values = scratch.workspace.values;
  bool is_same = facts.trouble == Trouble::none && facts.rows == starts_[at + 1] - starts_[at];
  for (std::size_t k = 0; k < kinds_.size(); ++k) is_same = is_same && values[k].kind == kinds_[k];
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
    const auto& here = this->values(range)[column];
    for (auto row = wanted.begin; row < wanted.end; ++row) {
      const auto value = here.values[static_cast<std::size_t>(row - first)];
      values[static_cast<std::size_t>(row - rows.begin)] = real_of_bits(here.kind, value);
    }
  }
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
