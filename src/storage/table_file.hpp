// Small HDF5 files of texts and tables, as plain values: made in memory, written whole, and read with suspicion.
//
// HDF5 keeps no journal, so a file that a process changes in place may not open after a kill. These files are small:
// each change writes a new one beside the old one and renames it. Texts have a fixed length in the file, because HDF5's
// variable-length ones lie in a heap whose damage makes it hang; files that have them are read all the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace paceline {

/// How a column lies in the file. `boolean` is the enumeration that h5py reads as bool.
enum class CellType : std::int32_t { int32, int64, float64, boolean, text };

/// A column of a table; the vector that its type names holds a value per row.
struct TypedColumn {
  std::string name;
  CellType type = CellType::float64;
  std::vector<std::int64_t> integers;  ///< of int32, int64 and boolean
  std::vector<double> numbers;         ///< of float64
  std::vector<std::string> texts;

  [[nodiscard]] std::size_t rows() const;
};

/// A dataset of one dimension whose rows are compounds.
struct TypedTable {
  std::string path;   ///< for example "/study/samples"
  std::string units;  ///< attribute `units`; empty: none
  std::vector<TypedColumn> columns;

  [[nodiscard]] std::size_t rows() const { return columns.empty() ? 0 : columns.front().rows(); }
  /// Throws Error (failure) when there is none of that name and kind.
  [[nodiscard]] const std::vector<std::int64_t>& integers(const std::string& name) const;
  [[nodiscard]] const std::vector<double>& numbers(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& texts(const std::string& name) const;
  [[nodiscard]] const TypedColumn* find(const std::string& name) const;
};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

struct TableFile {
  NamedTexts attributes;                                   ///< of the file itself
  std::vector<std::pair<std::string, NamedTexts>> groups;  ///< path and attributes, in their order
  std::vector<TypedTable> tables;
  NamedTexts texts;                ///< datasets of one text: path and value
  std::vector<std::string> names;  ///< read only: what lies directly in the file

  [[nodiscard]] const NamedTexts* group(const std::string& path) const;
  [[nodiscard]] const TypedTable* table(const std::string& path) const;
  [[nodiscard]] const std::string* text(const std::string& path) const;
};

/// Writes the file beside `path`, with `suffix`, brings it to the disk and renames it over `path`, whose mode stays.
/// A reader finds the old file or the new one at any moment. Throws Error (output, or failure of HDF5).
void write_table_file(const std::filesystem::path& path, const std::string& suffix, const TableFile& content);

/// Reads the file's attributes and all texts and tables of `groups`, in a child process with limits of time and memory;
/// types, sizes and links are checked. Throws Error: input when it is missing, no regular file or unreadable; failure,
/// with the reason alone, when it is damaged.
TableFile read_table_file(const std::filesystem::path& path, const std::vector<std::string>& groups);

}  // namespace paceline
