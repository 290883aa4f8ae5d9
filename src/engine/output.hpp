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
Gather gather_of(const RunOptions& options);

/// Members are collective over the world unless they say otherwise; errors are agreed upon.
class Output {
 public:
  Output(const Comm& world, const RunOptions& options) : world_(world), options_(options) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// Removes a scratch file. Not collective.
  ~Output();

  /// Sees whether the outputs may be written, and opens or creates the file. Start::complete: nothing is left to do.
  /// Of a complete file with items that failed, a copy is gone on with; it stays as it is until publish() replaces it.
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
  double publish(const std::string& digest, const RunTables& tables, int threads);
  /// For a file that was complete already: --verify, and pictures that are missing. Returns its digest.
  std::string look_again(int threads);

  [[nodiscard]] const std::string& io_mode() const { return io_mode_; }
  [[nodiscard]] double serial_s() const { return serial_s_; }  ///< what rank 0 did while the others waited
  [[nodiscard]] double picture_s() const { return picture_s_; }
  /// On rank 0, of a workload that has one. Not collective.
  [[nodiscard]] const std::optional<Conclusion>& value() const { return value_; }

 private:
  Start check();
  void lock_part(FileLock::Missing missing);
  void first_alone(const std::function<void()>& action);
  void read_back(const std::filesystem::path& from, bool verifies, bool draws, int threads);
  void conclude(const std::filesystem::path& from);
  [[nodiscard]] bool has_failed_items(const std::filesystem::path& from) const;
  [[nodiscard]] const Workload& workload() const { return *options_.workload; }
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }

  const Comm& world_;
  const RunOptions& options_;
  FileLock lock_;  ///< on rank 0, of FILE.part
  std::filesystem::path path_;
  bool is_scratch_ = false;
  std::optional<ResultFile> file_;
  Resumed resumed_;
  std::string stored_digest_;       ///< on rank 0, of a file that is complete already
  bool is_picture_missing_ = true;  ///< on rank 0
  std::string io_mode_ = "none";
  double serial_s_ = 0;
  double picture_s_ = 0;
  std::optional<Conclusion> value_;
};

}  // namespace paceline
