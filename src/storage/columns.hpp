// The columns of a result that is a table: a dataset each, all cut into the same items.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "storage/h5.hpp"
#include "storage/result_file.hpp"

namespace paceline {

/// Members throw Error (failure) with HDF5's reason. Those that write are collective where the file is.
class Columns {
 public:
  Columns() = default;
  /// Opens what the structure has. `shape` must outlive the object.
  Columns(hid_t file, const ResultShape& shape, bool parallel);

  /// `bytes`: the items of each run one after the other, from its byte_at on. Takes part in every column.
  void write(std::span<const Run> runs, std::span<const std::byte> bytes);
  /// The same for reading consecutive items.
  void read(Slab items, std::span<std::byte> bytes) const;

  [[nodiscard]] const std::string& io_mode() const { return io_mode_; }
  void close();

 private:
  const ResultShape* shape_ = nullptr;
  bool parallel_ = false;
  std::vector<h5::Handle> datasets_;
  std::string io_mode_ = "serial";
};

}  // namespace paceline
