// The result of a run in HDF5. While the run is under way the file is FILE.part and each finished item is flagged in
// it with a digest of its bytes, so that an interrupted run can be resumed, whatever interrupted it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/slab.hpp>

#include "storage/result_shape.hpp"
#include "storage/run_tables.hpp"

namespace paceline {

/// Attributes of the root: software, software_version, command, date, and where a batch job ran.
using Provenance = Attributes;

/// What is kept beside an item.
struct ItemMark {
  std::uint64_t digest = 0;  ///< of its bytes, see digest_of(); 0: it is not finished
  ItemOrigin origin;         ///< if the shape keeps it
  std::int64_t begin = -1;   ///< of its variable bytes; -1: it has none
  std::int64_t size = 0;     ///< how many they are
};

/// Consecutive items, where their marks lie in a buffer, counted in items, and where their bytes lie in another.
struct Run {
  Slab items;
  std::int64_t at = 0;
  std::int64_t byte_at = 0;
};

/// Variable bytes of an item, in pieces that follow each other.
using Pieces = std::vector<std::vector<std::byte>>;

/// Bytes of a place in the dataset of variable bytes.
struct VariableRun {
  std::int64_t begin = 0;
  std::span<const std::byte> bytes;
};

/// Digest of an item, as the shape wants it: of its bytes, and of its variable bytes if it has any. Never 0.
std::uint64_t digest_of(const ResultShape& shape, std::int64_t item, std::span<const std::byte> bytes,
                        const Pieces& variable = {});
/// What an item of that digest adds to the digest of the result: nothing if it has no rows.
std::uint64_t part_of_result(std::uint64_t item_digest);

/// What a complete file says of itself.
struct Seal {
  std::uint64_t digest = 0;  ///< of the result
  RunTables tables;
  Provenance provenance;
  std::vector<Reduced> reduced;
};

class ResultFile {
 public:
  /// Writes all of the structure, with every item unfinished, to `path`, which may be there. Killed at any write, it
  /// leaves what restore() takes for no result. By one process alone. Throws Error (output).
  static void create(const std::filesystem::path& path, const ResultShape& shape);
  /// Of an interrupted run: writes all but the data anew, since a run may have been killed while it did so. False:
  /// there is no finished structure, and no finished item. By one process alone. Throws Error: input when it belongs to
  /// another run or is damaged, output when it can't be written.
  static bool restore(const std::filesystem::path& path, const ResultShape& shape);
  /// Adds what is known when all items are written, and brings everything to the disk. Killed at any write, it leaves
  /// what restore() restores. By one process alone, when the file is closed. Throws Error (output).
  static void seal(const std::filesystem::path& path, const ResultShape& shape, const Seal& seal);
  /// The digest of a complete file. All of it but the data is checked. By one process alone. Throws Error (input) when
  /// it belongs to another run, or is damaged or changed.
  static std::uint64_t check_complete(const std::filesystem::path& path, const ResultShape& shape);

  /// False if an interrupted run has finished nothing, whatever its parameters were. By one process alone. Throws Error
  /// (input).
  static bool has_finished_items(const std::filesystem::path& path, const ResultShape& shape);

  enum class Access { read, write };
  /// Opens what create(), restore() or check_complete() has seen. With `comm`: collective over its ranks. Throws Error
  /// (input).
  ResultFile(const std::filesystem::path& path, const std::optional<Comm>& comm, const ResultShape& shape,
             Access access);
  ResultFile(ResultFile&&) noexcept;
  ~ResultFile();

  /// Collective over the file's ranks. Writes items, what is beside them, and last their flags. `marks` has an entry an
  /// item, `bytes` the items of each run one after the other; ranks without runs take part with none. Throws Error
  /// (output), possibly on one rank alone, but only after having taken part in every call.
  void write(std::span<const Run> runs, std::span<const std::byte> bytes, std::span<const ItemMark> marks);
  /// Collective over the file's ranks: makes room for so many variable bytes in all. Throws AgreedError (output).
  void reserve(std::int64_t variable_bytes);
  /// As write(): variable bytes, which must be there before the items that they belong to are written.
  void write_variable(std::span<const VariableRun> runs);
  /// Not collective. Bytes of consecutive items, one after the other.
  void read(Slab items, std::span<std::byte> bytes) const;
  /// Not collective. Throws Error (input) for a place that the file has not.
  [[nodiscard]] std::vector<std::byte> read_variable(std::int64_t begin, std::int64_t size) const;
  /// Not collective. Of consecutive items; those that are not flagged as finished, or whose origin is not what was
  /// written, have the digest 0.
  [[nodiscard]] std::vector<ItemMark> marks(Slab items) const;
  /// Collective over the file's ranks. Brings what was written to the disk and closes.
  void close();

  /// How HDF5 wrote the items last: "collective", "independent", "mixed" or "serial".
  [[nodiscard]] const std::string& io_mode() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// To be called before MPI is started, by programs that must end in order after a write has failed.
void start_hdf5();
/// Version of the HDF5 library, and whether it is a parallel one, for `info`.
std::string hdf5_version();

}  // namespace paceline
