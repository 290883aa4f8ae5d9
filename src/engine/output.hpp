// Where a run's result goes: a file that appears under its name when it is complete, a scratch file that pictures and
// --verify read back, or nowhere.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <paceline/comm.hpp>

#include "engine/options.hpp"
#include "engine/resume.hpp"
#include "storage/file_lock.hpp"
#include "storage/output_path.hpp"
#include "storage/result_file.hpp"

namespace paceline {

/// How the ranks gather: as asked, but in a scratch file, which rank 0 alone has, it is rank 0 that writes.
Gather gather_of(const RunOptions& options, const Parts& parts);
/// Whether the result goes anywhere but into the digest.
bool is_kept(const RunOptions& options, const Parts& parts);

/// Members are collective over the world unless they say otherwise; errors are agreed upon.
class Output {
 public:
  /// `node`: the ranks that share memory with this one.
  Output(const Comm& world, const Comm& node, const RunOptions& options, const Parts& parts)
      : world_(world), node_(node), options_(options), parts_(parts) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// Removes a scratch file. Not collective.
  ~Output();

  /// Sees whether the outputs may be written, and opens or creates the file. Start::complete: nothing is left to do.
  /// A complete file is verified by its digests. If items of it failed, the run goes on with a copy; the file stays as
  /// it is until publish() replaces it.
  Start open();
  /// Where the file is while the run is under way; empty: none is needed. Not collective.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Nothing on ranks that write nothing. Not collective.
  [[nodiscard]] ResultFile* file() { return file_ ? &*file_ : nullptr; }
  /// What a former run has left. Not collective.
  [[nodiscard]] const Resumed& resumed() const { return resumed_; }

  /// Brings what was written to the disk and closes the file. Returns seconds.
  double close();
  /// The same on the way to an error that is being told already. Throws nothing.
  void close_quietly();
  /// After close(): the digest and the tables, --verify, the final name, the pictures. Returns the seconds of writing.
  double publish(std::uint64_t digest, const RunTables& tables, int threads);
  /// For a file that was complete already: --verify, and pictures that are missing. Returns its digest.
  std::uint64_t look_again(int threads);

  [[nodiscard]] const std::string& io_mode() const { return io_mode_; }
  [[nodiscard]] double serial_s() const { return serial_s_; }  ///< what rank 0 did while the others waited
  [[nodiscard]] double picture_s() const { return picture_s_; }
  /// On rank 0, of a workload that reduces. Not collective.
  [[nodiscard]] const std::optional<Reduced>& reduced() const { return reduced_; }

 private:
  Start check();
  Start check_complete();
  void create_scratch();
  void lock_part(FileLock::Missing missing);
  void first_alone(const std::function<void()>& action);
  void open_file(const std::filesystem::path& path, ResultFile::Access access);
  [[nodiscard]] Resumed read_items();
  void verify_file(const std::filesystem::path& from, int threads);
  void draw(const std::filesystem::path& from);
  void reduce(const std::filesystem::path& from);
  [[nodiscard]] Workload& workload() const { return *options_.workload; }
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }

  const Comm& world_;
  const Comm& node_;
  const RunOptions& options_;
  const Parts& parts_;
  FileLock lock_;  ///< on rank 0, of FILE.part
  std::filesystem::path path_;
  bool is_scratch_ = false;
  std::optional<ResultFile> file_;
  Resumed resumed_;
  std::uint64_t stored_digest_ = 0;  ///< of a file that is complete already
  bool is_picture_missing_ = true;   ///< on rank 0
  std::string io_mode_ = "none";
  double serial_s_ = 0;
  double picture_s_ = 0;
  std::optional<Reduced> reduced_;
};

}  // namespace paceline
