// The columns of a result that is a table: a dataset each, all cut into the same items.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "storage/h5.hpp"
#include "storage/parcel.hpp"

namespace paceline {

/// Members throw Error (failure) with HDF5's reason. Those that write are collective where the file is.
class Columns {
 public:
  Columns() = default;
  /// Opens what the structure has. `shape` must outlive the object.
  Columns(hid_t file, const ResultShape& shape, bool parallel);

  /// Why the file has not these columns; empty: it has.
  [[nodiscard]] std::string mismatch() const;

  /// Fixed columns. `bytes`: whole items at runs[i].at, in steps of bytes_per_item. Takes part in every column.
  void write(std::span<const Run> runs, std::span<const std::byte> bytes);
  /// The same for reading consecutive items.
  void read(Slab items, std::span<std::byte> bytes) const;

  /// Sorted parcels; on one rank alone.
  void write(std::span<const Parcel> parcels);
  /// The columns of one item as HDF5 has them in memory, of which take() makes the parcel; needs the file no more.
  [[nodiscard]] ParcelWriter read_parcel(std::int64_t item) const;

  /// Where in the file the variable elements of items are: what refers to their characters. In bytes.
  [[nodiscard]] std::vector<Slab> references(Slab items) const;

  [[nodiscard]] const std::string& io_mode() const { return io_mode_; }
  void close();

 private:
  [[nodiscard]] std::size_t width(std::size_t column) const;
  void write_variable(std::size_t column, std::span<const Slab> rows, std::span<const ParcelView> views,
                      std::size_t count);
  void read_variable(std::size_t column, Slab rows, ParcelWriter& writer) const;

  const ResultShape* shape_ = nullptr;
  bool parallel_ = false;
  std::vector<h5::Handle> datasets_;
  std::string io_mode_ = "serial";
};

}  // namespace paceline
