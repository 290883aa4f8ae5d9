#include "workloads/table/table.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <bit>
#include <cstring>
#include <set>

#include <paceline/error.hpp>

#include "storage/parcel.hpp"
#include "workloads/table/time.hpp"

namespace paceline::table {
namespace {

/// HDF5 keeps "/" between names for itself, and "." for the group.
std::string link_of(const std::string& name) {
  std::string link;
  for (const char byte : name) link += byte == '/' ? std::string("\u2215") : std::string(1, byte);
  return link == "." ? "\u2024" : link;
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

}  // namespace

std::int64_t modified(const std::filesystem::path& file) {
  std::error_code code;
  const auto time = std::filesystem::last_write_time(file, code);
  return code ? 0 : static_cast<std::int64_t>(time.time_since_epoch().count());
}

void Table::add_options(CLI::App& app) {
  app.add_option("file", path_, "CSV (RFC 4180), also packed by gzip or zstd; - is the standard input")
      ->required()
      ->option_text("FILE.csv|-");
  app.add_option("--columns", columns_,
                 "names of the columns to take (all), with their types where given: float64, int64, uint64, text, time")
      ->option_text("A,B:TYPE,...");
  app.add_option("--range", range_bytes_, "bytes of the file that make an item (chosen by its size)")
      ->transform(CLI::AsSizeValue(false))
      ->option_text("SIZE");
  options_.add_to(app);
}

void Table::prepare() {
  if (range_bytes_ < 0 || range_bytes_ > largest_range) {
    throw Error(ExitCode::usage, fmt::format("--range {} makes no sense", range_bytes_), "an item has 1 byte to 1 GiB",
                "give another size");
  }
  auto names = columns_.empty() ? std::vector<ListedName>() : read_names(columns_, "--columns", type_names());
  std::set<std::string> known;
  for (const auto& column : names) {
    if (known.insert(column.name).second) continue;
    throw Error(ExitCode::usage, fmt::format("--columns {} makes no sense", columns_),
                fmt::format("{} is named twice", column.name), "name each column once");
  }
  file_.emplace(path_, std::move(names), range_bytes_, options_);
  shape_ = {};
}

std::vector<std::int64_t> Table::conclude_survey(std::span<const std::int64_t> facts) {
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
  if (const auto options = options_.text(); !options.empty()) shape_.attributes.emplace_back("dialect", options);
  for (const auto& column : file_->columns()) {
    Attributes attributes = {{"name", column.name}, {"missing", column.missing}};
    switch (column.kind) {
      case Kind::integer: attributes.emplace_back("missing_value", static_cast<std::int64_t>(column.mark)); break;
      case Kind::natural: attributes.emplace_back("missing_value", column.mark); break;
      case Kind::text: attributes.emplace_back("missing_value", column.text_mark); break;
      default: attributes.emplace_back("missing_value", std::bit_cast<double>(column.mark));
    }
    const std::string units(column.type == Type::time ? time_units : "");
    shape_.columns.push_back({"/table/" + link_of(column.name), type_of(column.kind), units, std::move(attributes)});
  }
  std::set<std::string> paths;
  for (const auto& column : shape_.columns) {
    if (!paths.insert(column.path).second) {
      throw Error(ExitCode::input, fmt::format("can't take columns of {}", path_),
                  fmt::format("two would be the dataset {}", column.path), "name one of them by --columns");
    }
  }
  if (shape_.is_variable()) shape_.variable_bytes = file_->most_bytes();
}

std::string Table::kernel_name() const {
  std::vector<std::string> columns;
  for (const auto& column : file_->columns()) {
    columns.push_back(fmt::format("{} {}{}", column.name, name_of(column),
                                  column.missing > 0 ? fmt::format(" ({} missing)", column.missing) : ""));
  }
  const auto& origin = file_->origin();
  return fmt::format("CSV, {}{}{}: {}", simd_target_name(), origin.empty() ? "" : ", ", origin,
                     fmt::join(columns, ", "));
}

std::uint64_t Table::stored(const ColumnInfo& column, const ColumnValues& values, std::size_t row) const {
  const auto value = values.values[row];
  // Kept before it was known that the column is real.
  const bool is_widened = column.kind == Kind::real && values.kind != Kind::real && values.kind != Kind::nothing;
  return is_widened ? std::bit_cast<std::uint64_t>(real_of_bits(values.kind, value)) : value;
}

Work Table::compute(Slab items, Operands /*none*/, std::span<std::byte> bytes) const {
  const auto rows = static_cast<std::size_t>(shape_.rows_of(items).size());
  file_->with_values(items.begin, [&](const RangeValues& values) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto& column = file_->columns()[k];
      const auto place = bytes.subspan(k * rows * 8, rows * 8);
      if (values[k].kind == column.kind) {
        if (rows > 0) std::memcpy(place.data(), values[k].values.data(), place.size());
      } else {
        for (std::size_t row = 0; row < rows; ++row) put(place, row, stored(column, values[k], row));
      }
      for (const auto row : values[k].missing) put(place, row, column.mark);
    }
  });
  const auto read = static_cast<std::uint64_t>(file_->bytes_of(items.begin));
  return {read, read};
}

Work Table::compute_parcel(std::int64_t item, Operands /*none*/, std::vector<std::byte>& parcel) const {
  ParcelWriter writer(shape_);
  file_->with_values(item, [&](const RangeValues& values) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto& column = file_->columns()[k];
      if (column.kind == Kind::text) {
        for (const auto& field : values[k].texts) {
          const bool is_missing = field.inner.empty() && !field.is_quoted;
          writer.add_text(k, is_missing ? column.text_mark : text_of(field));
        }
        continue;
      }
      std::vector<std::uint64_t> here(values[k].values.size());
      for (std::size_t row = 0; row < here.size(); ++row) here[row] = stored(column, values[k], row);
      for (const auto row : values[k].missing) here[row] = column.mark;
      writer.add_values(k, std::as_bytes(std::span(here)));
    }
  });
  parcel = writer.take();
  const auto read = static_cast<std::uint64_t>(file_->bytes_of(item));
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

void Table::compute_reference(Slab items, Operands /*none*/, std::span<std::byte> bytes) const {
  std::vector<char> held;
  const auto records = file_->reference(items.begin, held);
  const auto rows = static_cast<std::size_t>(shape_.rows_of(items).size());
  for (std::size_t row = 0; row < std::min(rows, records.size()); ++row) {
    for (std::size_t k = 0; k < records[row].size(); ++k) {
      put(bytes, k * rows + row, stored_reference(file_->columns()[k], records[row][k]));
    }
  }
}

void Table::compute_parcel_reference(std::int64_t item, Operands /*none*/, std::vector<std::byte>& parcel) const {
  std::vector<char> held;
  ParcelWriter writer(shape_);
  for (const auto& record : file_->reference(item, held)) {
    for (std::size_t k = 0; k < record.size(); ++k) {
      const auto& column = file_->columns()[k];
      const auto& field = record[k];
      if (column.kind != Kind::text) {
        writer.add(k, stored_reference(column, field));
      } else {
        writer.add_text(k, is_missing(column, field) ? column.text_mark : text_of(field));
      }
    }
  }
  parcel = writer.take();
}

}  // namespace paceline::table
