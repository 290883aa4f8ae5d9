// One writer a file: a lock that ends with its process, however that ends.
#pragma once

#include <filesystem>
#include <string>

namespace paceline {

/// An advisory lock on a file, held by rank 0 alone. Where a file system has none, nothing is held and nobody refused.
class FileLock {
 public:
  enum class Missing { leave, create };
  enum class After { keep, remove };

  FileLock() = default;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  /// Gives the lock back; removes the file if that was asked.
  ~FileLock();

  /// Locks `file`; one that is missing is made or left alone. Throws Error (output): can't write `result`, because
  /// `holder` ("another run is writing c.h5.part") has the lock. Does nothing when it is held already.
  void take(const std::filesystem::path& file, const std::filesystem::path& result, const std::string& holder,
            Missing missing, After after = After::keep);
  [[nodiscard]] bool is_held() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
  std::filesystem::path removed_;  ///< at the end; empty: none
};

}  // namespace paceline
