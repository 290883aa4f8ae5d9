// A plain copy of a text that can't be read in ranges as it is: from a pipe, packed, or in another encoding than UTF-8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace paceline {

class Spool {
 public:
  /// Nothing if the file itself will do. `source` may be "-", the standard input. `encoding`: empty for UTF-8. The copy
  /// lies in `folder`, or where TMPDIR says if that is empty, and is readable by its owner alone. Throws Error: input
  /// for what can't be read, usage for an unknown encoding, output where there is no room.
  static std::unique_ptr<Spool> of(const std::filesystem::path& source, const std::string& encoding,
                                   const std::filesystem::path& folder);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  /// Removes the copy, which stays readable to those who have opened it.
  ~Spool();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// For example "unpacked by zlib at 350 MB/s".
  [[nodiscard]] const std::string& origin() const { return origin_; }

 private:
  Spool() = default;

  std::filesystem::path path_;
  std::string origin_;
};

}  // namespace paceline
