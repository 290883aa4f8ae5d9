// What a result file keeps beside each item: a dataset each for digests, flags, origins, and the places of variable
// bytes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "storage/h5.hpp"
#include "storage/result_file.hpp"

namespace paceline {

/// Members throw Error (failure) with HDF5's reason. write() is collective where the file is.
class ItemMarks {
 public:
  ItemMarks() = default;
  /// Opens what the structure has.
  ItemMarks(hid_t file, const ResultShape& shape, bool parallel);

  /// After the items themselves. With an error in `first`, no item is flagged as finished; an error of a write is put
  /// there, after this rank has taken part in all of them.
  void write(std::span<const Run> runs, std::span<const ItemMark> marks, std::optional<Error>& first);
  /// Of consecutive items. Those that are not flagged, or whose origin is not what was written, have the digest 0.
  [[nodiscard]] std::vector<ItemMark> read(Slab items) const;
  void close();

 private:
  bool parallel_ = false;
  std::int64_t items_ = 0;
  h5::Handle digests_, finished_;
  h5::Handle seconds_, rank_, thread_, origin_digests_;  ///< if the shape keeps origins
  h5::Handle begins_, sizes_;                            ///< if it has variable bytes
};

}  // namespace paceline
