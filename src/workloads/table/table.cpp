#include "workloads/table/table.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <set>

#include <paceline/error.hpp>

#include "workloads/table/time.hpp"

namespace paceline::table {
namespace {

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

ElementType type_of(Kind kind) {
  switch (kind) {
    case Kind::integer: return ElementType::int64;
    case Kind::natural: return ElementType::uint64;
    case Kind::text: return ElementType::text;
    default: return ElementType::float64;
  }
}

std::string_view name_of(const ColumnInfo& column) {
  if (column.type == Type::time) return "time";
  switch (column.kind) {
    case Kind::integer: return "int64";
    case Kind::natural: return "uint64";
    case Kind::text: return "text";
    default: return "float64";
  }
}

void put(std::span<std::byte> bytes, std::size_t place, std::uint64_t value) {
  std::memcpy(&bytes[place * sizeof value], &value, sizeof value);
}

/// As memcpy(), for which most texts are too short.
void copy_text(std::byte* to, const char* from, std::size_t size) {
  const auto copy = [&]<class Part>(Part part) {
    std::memcpy(&part, from, sizeof part);
    Part last;
    std::memcpy(&last, from + size - sizeof last, sizeof last);
    std::memcpy(to, &part, sizeof part);
    std::memcpy(to + size - sizeof last, &last, sizeof last);
  };
  using Sixteen = std::array<std::uint64_t, 2>;
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    copy(Sixteen());
  } else if (size >= 8) {
    copy(std::uint64_t{});
  } else if (size >= 4) {
    copy(std::uint32_t{});
  } else {
    for (std::size_t k = 0; k < size; ++k) to[k] = static_cast<std::byte>(from[k]);
  }
}

}  // namespace

std::int64_t modified(const std::filesystem::path& file) {
  std::error_code code;
  const auto time = std::filesystem::last_write_time(file, code);
  return code ? 0 : static_cast<std::int64_t>(time.time_since_epoch().count());
}

void Table::add_options(OptionSet& options) {
  options.add("file", path_, "CSV (RFC 4180), also packed by gzip or zstd; - is the standard input")
      .required()
      .shown("FILE.csv|-");
  options
      .add("--columns", columns_,
           "names of the columns to take (all), with types where wanted: float64, int64, uint64, text, time")
      .shown("A,B:TYPE,...");
  options.add("--range", range_bytes_, "bytes of the file that make an item (chosen by its size)")
      .as_size()
      .shown("SIZE");
  options_.add_to(options);
}

void Table::prepare() {
  if (range_bytes_ < 0 || range_bytes_ > largest_range) {
    throw Error(ErrorKind::usage, fmt::format("--range {} makes no sense", range_bytes_), "an item has 1 byte to 1 GiB",
                "give another size");
  }
  auto names = columns_.empty() ? std::vector<ListedName>() : read_names(columns_, "--columns", type_names());
  std::set<std::string> known;
  for (const auto& column : names) {
    if (known.insert(column.name).second) continue;
    throw Error(ErrorKind::usage, fmt::format("--columns {} makes no sense", columns_),
                fmt::format("{} is named twice", column.name), "name each column once");
  }
  file_.emplace(path_, std::move(names), range_bytes_, options_);
  shape_ = {};
}

std::vector<std::int64_t> Table::reduce_scan(std::span<const std::int64_t> facts) {
  auto again = file_->reduce(facts);
  if (again.empty()) make_shape();
  return again;
}

void Table::make_shape() {
  shape_ = {};
  shape_.path = "/table";
  shape_.starts = file_->starts();
  shape_.dims = {shape_.starts.back()};
  shape_.digest_of = DigestOf::rows;
  shape_.attributes = {{"input", path_},
                       {"input_bytes", file_->bytes()},
                       {"input_modified", modified(path_)},
                       {"range_bytes", file_->range_bytes()}};
  if (const auto options = options_.text(); !options.empty()) shape_.attributes.emplace_back("dialect", options);
  are_long_.clear();
  for (const auto& column : file_->columns()) add_column(column);
  std::set<std::string> paths;
  for (const auto& column : shape_.columns) {
    if (!paths.insert(column.path).second) {
      throw Error(ErrorKind::input, fmt::format("can't take columns of {}", path_),
                  fmt::format("two would be the dataset {}", column.path), "name one of them by --columns");
    }
  }
}

void Table::add_column(const ColumnInfo& column) {
  const auto path = fmt::format("/table/{}", link_of(column.name));
  Attributes attributes = {{"name", column.name}, {"missing", column.missing}};
  const bool is_long = column.kind == Kind::text && !is_padded(column, shape_.rows());
  are_long_.push_back(is_long);
  switch (column.kind) {
    case Kind::integer: attributes.emplace_back("missing_value", static_cast<std::int64_t>(column.mark)); break;
    case Kind::natural: attributes.emplace_back("missing_value", column.mark); break;
    case Kind::text:
      if (!is_long) attributes.emplace_back("missing_value", column.text_mark);
      break;
    default: attributes.emplace_back("missing_value", std::bit_cast<double>(column.mark));
  }
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
  const std::string units(column.type == Type::time ? time_units : "");
  const auto width = column.kind == Kind::text ? std::max(std::int64_t{1}, column.longest) : 1;
  shape_.columns.push_back({path, type_of(column.kind), units, std::move(attributes), width, {}});
}

Traits Table::traits() const {
  std::vector<std::string> columns;
  for (const auto& column : file_->columns()) {
    columns.push_back(fmt::format("{} {}{}", column.name, name_of(column),
                                  column.missing > 0 ? fmt::format(" ({} missing)", column.missing) : ""));
  }
  Traits traits;
  const auto& origin = file_->origin();
  traits.kernel =
      fmt::format("CSV, {}{}{}: {}", simd_target_name(), origin.empty() ? "" : ", ", origin, fmt::join(columns, ", "));
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
  const auto value = values.values[row];
  // Kept before it was known that the column is real.
  const bool is_widened = column.kind == Kind::real && values.kind != Kind::real && values.kind != Kind::nothing;
  return is_widened ? std::bit_cast<std::uint64_t>(real_of_bits(values.kind, value)) : value;
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
  std::string held;
  if (!are_long_[column]) {
    const auto width = static_cast<std::size_t>(std::max(std::int64_t{1}, info.longest));
    const auto place = take(rows * width);
    if (!place.empty()) std::memset(place.data(), 0, place.size());
    for (std::size_t row = 0; row < rows; ++row) {
      const auto text = text_of_row(row, held).value_or(info.text_mark);
      copy_text(&place[row * width], text.data(), std::min(width, text.size()));
    }
    return;
  }
  const auto begin = info.text_starts[static_cast<std::size_t>(item)];
  const auto bytes = take(static_cast<std::size_t>(info.text_starts[static_cast<std::size_t>(item) + 1] - begin));
  const auto begins = take(rows * 8);
  const auto sizes = take(rows * 8);
  std::size_t at = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto text = text_of_row(row, held);
    const auto size = text ? std::min(text->size(), bytes.size() - at) : 0;
    if (size > 0) std::memcpy(&bytes[at], text->data(), size);
    put(begins, row, text ? static_cast<std::uint64_t>(begin) + at : ~std::uint64_t{0});
    put(sizes, row, size);
    at += size;
  }
}

Work Table::compute(Slab items, Operands /*none*/, ItemOutput output) const {
  const auto rows = static_cast<std::size_t>(shape_.rows_of(items).size());
  const auto& values = file_->values(items.begin);
  auto rest = output.bytes;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const auto& column = file_->columns()[k];
    if (column.kind == Kind::text) {
      put_texts(k, items.begin, rest, [&](std::size_t row, std::string& text) -> std::optional<std::string_view> {
        const auto& place = values[k].texts[row];
        if (place.size == 0 && !place.is_quoted) return std::nullopt;
        if (!place.has_doubled) return std::string_view(place.begin, place.size);
        put_text(place.field(), text);
        return text;
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
    for (const auto row : values[k].missing) put(place, row, column.mark);
  }
  const auto read = static_cast<std::uint64_t>(file_->bytes_of(items.begin));
  return {read, read};
}

bool Table::is_missing(const ColumnInfo& column, const Field& field) const {
  if (field.inner.empty()) return column.kind != Kind::text || !field.is_quoted;
  const auto& words = file_->dialect().missing;
  if (column.kind == Kind::text && (!words.are_for_texts() || field.is_quoted)) return false;
  return words.contains(field.inner);
}

std::uint64_t Table::stored_reference(const ColumnInfo& column, const Field& field) const {
  if (is_missing(column, field)) return column.mark;
  const auto number = column.type == Type::time ? parse_time(field.inner)
                                                : parse_number_reference(field.inner, file_->dialect().decimal);
  return column.kind == Kind::real ? std::bit_cast<std::uint64_t>(real_of(number))
                                   : static_cast<std::uint64_t>(number.integer);
}

void Table::compute_reference(Slab items, Operands /*none*/, ItemOutput output) const {
  std::vector<char> held;
  auto records = file_->reference(items.begin, held);
  records.resize(static_cast<std::size_t>(shape_.rows_of(items).size()), std::vector<Field>(file_->columns().size()));
  auto rest = output.bytes;
  for (std::size_t k = 0; k < file_->columns().size(); ++k) {
    const auto& column = file_->columns()[k];
    if (column.kind == Kind::text) {
      put_texts(k, items.begin, rest, [&](std::size_t row, std::string& text) -> std::optional<std::string_view> {
        const auto& field = records[row][k];
        if (is_missing(column, field)) return std::nullopt;
        return text = text_of(field);
      });
      continue;
    }
    for (std::size_t row = 0; row < records.size(); ++row) put(rest, row, stored_reference(column, records[row][k]));
    rest = rest.subspan(records.size() * 8);
  }
}

}  // namespace paceline::table
