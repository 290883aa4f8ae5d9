// A dataset of somebody else's HDF5 file: what it is, whether its numbers can be believed, and its elements.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <paceline/slab.hpp>

#include "storage/external_files.hpp"
#include "storage/h5.hpp"

namespace paceline {

/// Plain, so that a process can hand it to another one.
struct DatasetFacts {
  static constexpr std::size_t most_extents = 32;  // as in HDF5
  static constexpr std::size_t most_marks = 8;

  std::int64_t elements = 0;
  std::array<std::int64_t, most_extents> extents{};
  std::int64_t dimensions = 0;
  std::int64_t position = -1;   ///< in the file, of doubles that lie there one after the other; -1: they don't
  std::int64_t read_bytes = 0;  ///< unpacked, at most, to read one element: a row of chunks

  // How netCDF's conventions say that values are to be understood.
  std::array<double, most_marks> marks{};  ///< as they are stored; NaN: every NaN
  std::int64_t mark_count = 0;
  double lowest = 0, highest = 0;  ///< of stored values that are valid, if has_range
  double scale = 1, offset = 0;    ///< value = stored value * scale + offset, if is_packed
  bool has_range = false;
  bool is_packed = false;
};

class InputDataset {
 public:
  /// Throws Error (input) when the file or the dataset is missing, unreadable or empty, holds no real numbers, needs
  /// more memory than `memory_limit` bytes, or has values of which the file says that they are missing.
  InputDataset(const std::filesystem::path& file, const std::string& name, h5::External external,
               std::int64_t memory_limit);
  [[nodiscard]] const DatasetFacts& facts() const { return facts_; }
  /// Elements in row-major order, as they are stored, converted to doubles. Throws Error (failure).
  void read(Slab elements, std::span<double> values) const;

 private:
  void open(h5::LinkGuard& guard, hid_t links);
  void check_type() const;
  void check_shape();
  void check_storage(std::int64_t memory_limit);
  void read_conventions();
  [[nodiscard]] bool has_attribute(const char* name) const;
  /// Of an attribute that holds numbers; empty if it does not, or is not there.
  [[nodiscard]] std::vector<double> numbers_of(const char* attribute) const;
  void find_position();

  std::filesystem::path path_;
  std::string name_;
  std::string place_;  ///< for messages: FILE:NAME
  h5::Handle file_, dataset_;
  DatasetFacts facts_;
};

}  // namespace paceline
