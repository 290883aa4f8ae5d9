// Numbers of a user's own HDF5 file, as doubles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <paceline/comm.hpp>
#include <paceline/slab.hpp>

namespace paceline {

/// A one-dimensional dataset of integers or floating-point numbers of any size. They are read as IEEE doubles: exact
/// for float32, float64 and integers up to 2^53, rounded to nearest beyond; NaN and infinities pass.
class InputFile {
 public:
  /// With `comm`: collective over its ranks. Throws Error (input) when the file or the dataset is missing, unreadable,
  /// empty, or of another shape or type.
  InputFile(const std::filesystem::path& path, const std::string& dataset, const std::optional<Comm>& comm);
  InputFile(InputFile&&) noexcept;
  ~InputFile();

  [[nodiscard]] std::int64_t elements() const;
  /// Collective if the file is; `elements` may be empty. values[i] becomes element elements.begin + i. Throws Error
  /// (input), possibly on one rank alone, after having taken part.
  void read(Slab elements, std::span<double> values) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace paceline
