// A result file without its data, in memory: HDF5 makes it, and plain writes put it around the data on disk.
//
// Where the data lie and what is around them follows from the shape alone. So nothing that an interrupted run left
// around its data need be believed, and a file whose structure is being written can be killed at any write: the
// structure is made anew when the run is resumed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

#include "storage/byte_file.hpp"
#include "storage/h5.hpp"
#include "storage/memory_driver.hpp"
#include "storage/result_shape.hpp"

namespace paceline {

class FileImage {
 public:
  /// `variable_bytes`: size of the dataset of variable bytes, where the shape has one. `seal` adds what is known when
  /// the data are complete. Throws Error (failure).
  FileImage(const ResultShape& shape, std::int64_t variable_bytes, const std::function<void(hid_t file)>& seal = {});
  FileImage(const FileImage&) = delete;
  FileImage& operator=(const FileImage&) = delete;

  [[nodiscard]] std::int64_t file_bytes() const { return memory_.size(); }
  /// Byte ranges of the file that are not structure, sorted: the data of the run, and the identity.
  [[nodiscard]] const std::vector<Slab>& data() const { return data_; }
  /// Where identity_text() goes, behind a header of identity_header bytes.
  [[nodiscard]] Slab identity() const { return identity_; }
  /// Of a dataset of data; empty where it has no bytes.
  [[nodiscard]] Slab place_of(const std::string& path) const;
  /// Of where the data lie, apart from the variable bytes.
  [[nodiscard]] std::uint64_t layout_digest() const;

  /// Gives `file` the size and the structure of the image, and leaves the data as they are. Throws Error (output).
  void put_around_data(const ByteTarget& file) const;
  /// The same in a new file, but for the signature: without it the file is not HDF5.
  void put_around_data_unsigned(const ByteTarget& file) const;
  void put_signature(const ByteTarget& file) const;

 private:
  struct Place {
    std::string path;
    Slab bytes;
    bool moves = false;  ///< its size is not known from the shape
  };
  void note_places(hid_t file, const ResultShape& shape);
  void put_from(std::int64_t first, const ByteTarget& file) const;

  PagedMemory memory_;
  Slab identity_;
  std::vector<Place> places_;
  std::vector<Slab> data_;
};

inline constexpr std::int64_t identity_header = 88;
/// Room for variable bytes grows by doubling from here on.
inline constexpr std::int64_t least_variable_bytes = std::int64_t{4} << 20;

/// What a run is known by: a line for each parameter, shape and type.
std::string identity_text(const ResultShape& shape);

/// Whether a file begins with HDF5's signature.
bool has_signature(const ByteFile& file, std::int64_t file_bytes);

/// Digest of all of a file but `data`. `file_bytes`: its size.
std::uint64_t structure_digest(const ByteFile& file, std::int64_t file_bytes, std::span<const Slab> data);

}  // namespace paceline
