// Numbers of a user's own HDF5 file, as doubles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

namespace paceline {

/// How far a file is trusted.
struct InputAccess {
  bool follows_external = false;                        ///< links and raw storage that lead to other files
  std::int64_t memory_limit = std::int64_t{512} << 20;  ///< bytes that may be unpacked at once
};

/// A dataset of integers or floating-point numbers of any size and shape. They are read as IEEE doubles: exact for
/// float32, float64 and integers up to 2^53, rounded to nearest beyond; NaN and infinities pass. HDF5 runs in a child
/// process: a damaged file can crash it, or keep it busy for ever.
class InputFile {
 public:
  /// Throws Error (input) when the file or the dataset is missing, unreadable, damaged, empty, or of another type.
  InputFile(const std::filesystem::path& path, const std::string& dataset, const InputAccess& access);
  InputFile(InputFile&&) noexcept;
  ~InputFile();

  [[nodiscard]] std::int64_t elements() const;
  /// The extents without those that are 1; of one element, a single 1.
  [[nodiscard]] std::vector<std::int64_t> extents() const;
  /// values[i] becomes element elements.begin + i in row-major order, unpacked by its file's scale_factor and
  /// add_offset; `elements` may be empty. Throws Error (input), also for one that its file calls missing.
  void read(Slab elements, std::span<double> values) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paceline
