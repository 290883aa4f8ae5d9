#include "workloads/table/table.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include <paceline/error.hpp>

namespace paceline::table {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// HDF5 keeps "/" between names for itself, and "." for the group.
std::string link_of(const std::string& name) {
  std::string link;
  for (const char byte : name) link += byte == '/' ? std::string("\u2215") : std::string(1, byte);
  return link == "." ? "\u2024" : link;
}

// Texts up to this are always padded; longer ones as long as padding makes no more of them than this many times their
// bytes, or than this.
constexpr std::int64_t always_padded = 64;
constexpr std::int64_t longest_padded = 65'535;
constexpr std::int64_t most_padding = 8;
constexpr std::int64_t small_column = std::int64_t{64} << 20;

bool is_padded(const ColumnInfo& column, std::int64_t rows) {
  if (column.longest <= always_padded) return true;
  if (column.longest > longest_padded) return false;
  const auto all = static_cast<double>(column.longest) * static_cast<double>(rows);
  return all <= static_cast<double>(std::max(small_column, most_padding * column.text_starts.back()));
}

void put(std::span<std::byte> bytes, std::size_t place, std::uint64_t value) {
  std::memcpy(&bytes[place * sizeof value], &value, sizeof value);
}

}  // namespace

std::vector<std::string> names_of(const std::string& list, const std::string& option) {
  ScanState state;
  Separators found;
  find_separators(list.data(), list.size(), 0, state, found);
  const auto records = records_reference(list);
  if (state.inside != 0 || found.wrong != Separators::none || records.size() > 1) {
    throw Error(ExitCode::usage, fmt::format("{} {} makes no sense", option, list), "it is no list of names",
                "separate names by commas, and enclose those with commas or quotes in quotes, as in CSV");
  }
  std::vector<std::string> names;
  std::set<std::string> known;
  if (records.empty()) return names;
  for (const auto& field : records.front()) {
    names.push_back(text_of(field));
    if (names.back().empty() || !known.insert(names.back()).second) {
      throw Error(ExitCode::usage, fmt::format("{} {} makes no sense", option, list),
                  names.back().empty() ? "a name is empty" : fmt::format("{} is named twice", names.back()),
                  "name each column once");
    }
  }
  return names;
}

std::int64_t modified(const std::filesystem::path& file) {
  std::error_code code;
  const auto time = std::filesystem::last_write_time(file, code);
  return code ? 0 : static_cast<std::int64_t>(time.time_since_epoch().count());
}

void Table::add_options(OptionSet& options) {
  options.add("file", path_, "CSV (RFC 4180) in UTF-8, with a header").required().shown("FILE.csv");
  options.add("--columns", columns_, "names of the columns to take (all)").shown("A,B,...");
  options.add("--range", range_bytes_, "bytes of the file that make an item (chosen by its size)")
      .as_size()
      .shown("SIZE");
}

void Table::prepare() {
  if (range_bytes_ < 0 || range_bytes_ > largest_range) {
    throw Error(ExitCode::usage, fmt::format("--range {} makes no sense", range_bytes_), "an item has 1 byte to 1 GiB",
                "give another size");
  }
  file_.emplace(path_, names_of(columns_, "--columns"), range_bytes_);
  shape_ = {};
}

std::vector<std::int64_t> Table::conclude_scan(std::span<const std::int64_t> facts) {
  auto again = file_->conclude(facts);
  if (again.empty()) make_shape();
  return again;
}

void Table::make_shape() {
  shape_ = {};
  shape_.path = "/table";
  shape_.starts = file_->starts();
  shape_.dims = {shape_.starts.back()};
  shape_.attributes = {{"input", path_},
                       {"input_bytes", file_->bytes()},
                       {"input_modified", modified(path_)},
                       {"range_bytes", file_->range_bytes()}};
  are_long_.clear();
  for (const auto& column : file_->columns()) add_column(column);
  std::set<std::string> paths;
  for (const auto& column : shape_.columns) {
    if (!paths.insert(column.path).second) {
      throw Error(ExitCode::input, fmt::format("can't take columns of {}", path_),
                  fmt::format("two would be the dataset {}", column.path), "name one of them by --columns");
    }
  }
}

void Table::add_column(const ColumnInfo& column) {
  const auto path = fmt::format("/table/{}", link_of(column.name));
  Attributes attributes = {{"name", column.name}, {"missing", column.missing}};
  const bool is_long = column.kind == Kind::text && !is_padded(column, shape_.rows());
  are_long_.push_back(is_long);
  if (column.kind == Kind::real) attributes.emplace_back("missing_value", nan);
  if (column.kind == Kind::integer) attributes.emplace_back("missing_value", column.integer_mark);
  if (column.kind == Kind::text && !is_long) attributes.emplace_back("missing_value", column.text_mark);
  if (is_long) {
    attributes.emplace_back("encoding", "utf-8");
    attributes.emplace_back("meaning", fmt::format("the text of row i is the {0}_bytes[i] bytes from {0}_begin[i] on; "
                                                   "-1: it is missing",
                                                   path));
    shape_.columns.push_back({path, ElementType::uint8, {}, std::move(attributes), 1, column.text_starts});
    shape_.columns.push_back({path + "_begin", ElementType::int64, "byte", {}, 1, {}});
    shape_.columns.push_back({path + "_bytes", ElementType::int64, "byte", {}, 1, {}});
    return;
  }
  const auto type = column.kind == Kind::integer ? ElementType::int64
                    : column.kind == Kind::text  ? ElementType::text
                                                 : ElementType::float64;
  shape_.columns.push_back({path, type, {}, std::move(attributes), std::max(std::int64_t{1}, column.longest), {}});
}

Traits Table::traits() const {
  std::vector<std::string> columns;
  for (const auto& column : file_->columns()) {
    const char* type = column.kind == Kind::integer ? "int64" : column.kind == Kind::text ? "text" : "float64";
    columns.push_back(fmt::format("{} {}{}", column.name, type,
                                  column.missing > 0 ? fmt::format(" ({} missing)", column.missing) : ""));
  }
  Traits traits;
  traits.kernel = fmt::format("CSV, {}: {}", simd_target_name(), fmt::join(columns, ", "));
  traits.rate_unit = {"GB/s", 1e9};
  traits.items_between_checks = items_of_steps(static_cast<double>(file_->most_bytes()));
  return traits;
}

Parts Table::parts() {
  Parts parts;
  parts.scanned_file = this;
  return parts;
}

std::uint64_t Table::stored(const ColumnInfo& column, const ColumnValues& values, std::size_t row) const {
  if (column.kind == values.kind || values.kind == Kind::nothing) return values.values[row];
  // Kept before it was known that the column is real.
  return std::bit_cast<std::uint64_t>(static_cast<double>(static_cast<std::int64_t>(values.values[row])));
}

template <class TextOfRow>
void Table::put_texts(std::size_t column, std::int64_t item, std::span<std::byte>& rest,
                      const TextOfRow& text_of_row) const {
  const auto& info = file_->columns()[column];
  const auto rows = static_cast<std::size_t>(shape_.rows_of({item, item + 1}).size());
  const auto take = [&](std::size_t size) {
    const auto taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  };
  std::string text;
  if (!are_long_[column]) {
    const auto width = static_cast<std::size_t>(std::max(std::int64_t{1}, info.longest));
    const auto place = take(rows * width);
    if (!place.empty()) std::memset(place.data(), 0, place.size());
    for (std::size_t row = 0; row < rows; ++row) {
      if (!text_of_row(row, text)) text = info.text_mark;
      if (!text.empty()) std::memcpy(&place[row * width], text.data(), std::min(width, text.size()));
    }
    return;
  }
  const auto begin = info.text_starts[static_cast<std::size_t>(item)];
  const auto bytes = take(static_cast<std::size_t>(info.text_starts[static_cast<std::size_t>(item) + 1] - begin));
  const auto begins = take(rows * 8);
  const auto sizes = take(rows * 8);
  std::size_t at = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const bool is_there = text_of_row(row, text);
    const auto size = is_there ? std::min(text.size(), bytes.size() - at) : 0;
    if (size > 0) std::memcpy(&bytes[at], text.data(), size);
    put(begins, row, is_there ? static_cast<std::uint64_t>(begin) + at : ~std::uint64_t{0});
    put(sizes, row, size);
    at += size;
  }
}

Work Table::compute(Slab items, Operands /*none*/, ItemOutput output) const {
  const auto rows = static_cast<std::size_t>(shape_.rows_of(items).size());
  file_->with_values(items.begin, [&](const RangeValues& values) {
    auto rest = output.bytes;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto& column = file_->columns()[k];
      if (column.kind == Kind::text) {
        put_texts(k, items.begin, rest, [&](std::size_t row, std::string& text) {
          const auto& field = values[k].texts[row];
          if (field.inner.empty() && !field.is_quoted) return false;
          text = text_of(field);
          return true;
        });
        continue;
      }
      const auto place = rest.first(rows * 8);
      rest = rest.subspan(place.size());
      if (values[k].kind == column.kind) {
        if (rows > 0) std::memcpy(place.data(), values[k].values.data(), place.size());
      } else {
        for (std::size_t row = 0; row < rows; ++row) put(place, row, stored(column, values[k], row));
      }
      const auto mark = column.kind == Kind::integer ? static_cast<std::uint64_t>(column.integer_mark)
                                                     : std::bit_cast<std::uint64_t>(nan);
      for (const auto row : values[k].missing) put(place, row, mark);
    }
  });
  const auto read = static_cast<std::uint64_t>(file_->bytes_of(items.begin));
  return {read, read};
}

std::uint64_t Table::stored_reference(const ColumnInfo& column, const Field& field) const {
  if (field.inner.empty()) {
    return column.kind == Kind::integer ? static_cast<std::uint64_t>(column.integer_mark)
                                        : std::bit_cast<std::uint64_t>(nan);
  }
  const auto number = parse_number_reference(field.inner);
  if (column.kind == Kind::integer) return static_cast<std::uint64_t>(number.integer);
  const auto real = number.kind == Kind::real ? number.real
                    : number.is_negative_zero ? -0.0
                                              : static_cast<double>(number.integer);
  return std::bit_cast<std::uint64_t>(real);
}

void Table::compute_reference(Slab items, Operands /*none*/, ItemOutput output) const {
  std::vector<char> held;
  auto records = file_->reference(items.begin, held);
  records.resize(static_cast<std::size_t>(shape_.rows_of(items).size()), std::vector<Field>(file_->columns().size()));
  auto rest = output.bytes;
  for (std::size_t k = 0; k < file_->columns().size(); ++k) {
    const auto& column = file_->columns()[k];
    if (column.kind == Kind::text) {
      put_texts(k, items.begin, rest, [&](std::size_t row, std::string& text) {
        const auto& field = records[row][k];
        text = text_of(field);
        return !field.inner.empty() || field.is_quoted;
      });
      continue;
    }
    for (std::size_t row = 0; row < records.size(); ++row) put(rest, row, stored_reference(column, records[row][k]));
    rest = rest.subspan(records.size() * 8);
  }
}

}  // namespace paceline::table
