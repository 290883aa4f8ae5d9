// The image as a PNG: colours by how common a count is, so that any zoom shows its structure; the interior is black.
// Strips of it are drawn and packed apart, by any thread of any rank: the same picture whoever did.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "workloads/fractal/colormaps.hpp"
#include "workloads/workload.hpp"

namespace paceline::fractal {

/// Pictures with more pixels a side are averaged down, in linear light, by a whole number.
constexpr std::int64_t largest_picture_side = 8192;

/// Row i of the picture is row i of the data (or of its averaged groups). Threads read in turn, at once at most a
/// quarter of `memory_limit` bytes all together.
class Picture {
 public:
  Picture(const ResultShape& shape, std::int64_t memory_limit);

  [[nodiscard]] std::int64_t strips() const { return (height_ + strip_rows_ - 1) / strip_rows_; }
  /// How often each level of counts occurs in some of the strips' rows; surveys of all strips are to be added up.
  [[nodiscard]] std::vector<std::uint64_t> survey(Slab strips, const ReadItems& read) const;
  [[nodiscard]] std::vector<std::byte> draw(Slab strips, std::span<const std::uint64_t> seen, const ReadItems& read,
                                            const Colormap& colours) const;
  /// From draw(), all strips in order. Throws Error (output); what was at `path` stays until the picture is complete.
  void write(const std::filesystem::path& path, std::span<const std::vector<std::byte>> drawn,
             const Colormap& colours) const;

 private:
  [[nodiscard]] bool is_averaged() const { return factor_ > 1; }
  [[nodiscard]] Slab rows_of(std::int64_t strip) const;

  const ResultShape& shape_;
  std::int64_t cols_, factor_, width_, height_;  ///< factor: rows and columns of the data to one of the picture
  std::int64_t strip_rows_;                      ///< of the picture
  std::int64_t read_rows_;                       ///< of the picture, whose data are read at once
};

}  // namespace paceline::fractal
