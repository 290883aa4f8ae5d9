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

#include "storage/parcel.hpp"
#include "storage/result_shape.hpp"

namespace paceline {

/// A row of /run/ranks: what one rank was and did. Phases in seconds.
struct RankRow {
  std::int32_t rank = 0;
  char host[64] = {};
  std::int32_t bound_cores = 0;
  std::int32_t threads = 0;
  std::int64_t items = 0;
  std::uint64_t work_useful = 0;
  std::uint64_t work_executed = 0;
  double init_s = 0, plan_s = 0, scatter_s = 0, compute_s = 0, gather_s = 0, write_s = 0;
  double allocate_s = 0, fill_s = 0, copy_s = 0;  ///< of inputs: parts of scatter, or done while others compute
  double digest_s = 0;                            ///< beside compute_s
};

/// What becomes the /run tables; the same on every rank.
struct RunTables {
  std::vector<RankRow> ranks;
  std::vector<double> busy_s;  ///< ranks x threads, in seconds; NaN where a rank has fewer threads
  std::int64_t threads = 0;    ///< columns of busy_s
};

/// Attributes of the root: software, software_version, command, date, and where a batch job ran.
using Provenance = Attributes;

class ResultFile {
 public:
  /// Creates the file with all its structure, every item unfinished. By one process alone. Throws Error (output).
  static void create(const std::filesystem::path& path, const ResultShape& shape, const Provenance& provenance);
  /// Adds the digest, the tables, facts of the run that completes the file and what follows from the result, and brings
  /// everything to the disk. By one process alone, when the file is closed. Throws Error (output).
  static void seal(const std::filesystem::path& path, const std::string& digest, const RunTables& tables,
                   const Provenance& facts = {}, const std::optional<Conclusion>& value = std::nullopt);

  enum class Access { read, write };
  /// Opens what create() made. With `comm`: collective over its ranks. Throws Error (input) if the file is damaged or
  /// was made with other parameters.
  ResultFile(const std::filesystem::path& path, const std::optional<Comm>& comm, const ResultShape& shape,
             Access access);
  ResultFile(ResultFile&&) noexcept;
  ~ResultFile();

  /// Collective over the file's ranks. Writes items, their digests, and last their flags. `bytes`, `digests` and, where
  /// the shape has them, `records` hold `extent` items; ranks without runs take part with none. Throws Error (output),
  /// possibly on one rank alone, but only after having taken part in every call.
  void write(std::span<const Run> runs, std::int64_t extent, std::span<const std::byte> bytes,
             std::span<const std::uint64_t> digests, std::span<const ItemRecord> records = {});
  /// Of a variable shape, by its one rank: sorted parcels, the same way. HDF5 holds their bytes twice while it writes
  /// them; what it has copied is freed here, and when this returns HDF5 keeps no more than a little.
  void write(std::vector<Parcel> parcels);
  /// Not collective. Bytes of consecutive items.
  void read(Slab items, std::span<std::byte> bytes) const;
  /// Not collective. One item of a variable shape. HDF5 holds it three times meanwhile.
  [[nodiscard]] std::vector<std::byte> read_parcel(std::int64_t item) const;
  /// Of a variable shape, by its one rank, before anything is written: what these items refer to is no more believed.
  /// A run that was killed may have left references to what never came to the disk. HDF5 would free that, which fails,
  /// or is another item's by then. Throws Error (output).
  void forget(Slab items);
  /// Not collective. Digests of consecutive items; 0 for those that are not flagged as finished.
  [[nodiscard]] std::vector<std::uint64_t> finished_digests(Slab items) const;
  /// Collective over the file's ranks. Brings what was written to the disk and closes.
  void close();

  /// How HDF5 wrote the items last: "collective", "independent", "mixed" or "serial".
  [[nodiscard]] const std::string& io_mode() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Digest stored in a complete file, or nothing when it is no complete result of this shape. Throws Error (input).
std::string stored_digest(const std::filesystem::path& path, const ResultShape& shape);
/// To be called before MPI is started, by programs that must end in order after a write has failed.
void start_hdf5();
/// Version of the HDF5 library, and whether it is a parallel one, for `info`.
std::string hdf5_version();

}  // namespace paceline
