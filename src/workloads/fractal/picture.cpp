#include "workloads/fractal/picture.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "workloads/fractal/png_file.hpp"

namespace paceline::fractal {
namespace {

// Small counts each have a level of their own, larger ones share: 128 levels an octave are more than a colour map has.
constexpr std::uint64_t exact_levels = 1024;
constexpr int levels_per_octave_log2 = 7;

std::size_t level_of(std::uint64_t count) {
  if (count < exact_levels) return count;
  const auto octave = static_cast<unsigned>(std::bit_width(count)) - 1;
  const auto within = count >> (octave - levels_per_octave_log2) & ((1U << levels_per_octave_log2) - 1);
  return exact_levels + ((octave - 10) << levels_per_octave_log2) + within;
}

constexpr std::size_t levels = exact_levels + (54 << levels_per_octave_log2);

/// Counts of consecutive rows, whatever their stored width.
class Rows {
 public:
  Rows(const ResultShape& shape, const ReadItems& read, std::int64_t memory_limit)
      : shape_(shape),
        read_(read),
        step_(std::clamp(memory_limit / 4 / shape.bytes_per_item(), std::int64_t{1}, std::int64_t{1024})) {}

  /// Calls action(first row, rows, counts of row r as a function of r and column) piece by piece.
  template <class Action>
  void for_each_piece(std::int64_t multiple, Action&& action) const {
    const auto step = std::max(step_ / multiple, std::int64_t{1}) * multiple;
    std::vector<std::byte> bytes;
    for (std::int64_t begin = 0; begin < shape_.items(); begin += step) {
      const Slab slab{begin, std::min(begin + step, shape_.items())};
      bytes.resize(static_cast<std::size_t>(slab.size() * shape_.bytes_per_item()));
      read_(slab, bytes);
      switch (shape_.type) {
        case ElementType::uint8: action(slab, reinterpret_cast<const std::uint8_t*>(bytes.data())); break;
        case ElementType::uint16: action(slab, reinterpret_cast<const std::uint16_t*>(bytes.data())); break;
        case ElementType::uint32: action(slab, reinterpret_cast<const std::uint32_t*>(bytes.data())); break;
        default: action(slab, reinterpret_cast<const std::uint64_t*>(bytes.data())); break;
      }
    }
  }

 private:
  const ResultShape& shape_;
  const ReadItems& read_;
  std::int64_t step_;
};

/// Palette index of each level: 0, black, is the interior; the others follow the share of pixels with a lower count.
std::vector<std::uint8_t> palette_indices(const Rows& rows, const ResultShape& shape) {
  const auto cols = shape.dims[1];
  const auto max_iter = shape.image.max_value;
  std::vector<std::uint64_t> histogram(levels, 0);
  rows.for_each_piece(1, [&](Slab slab, const auto* counts) {
    // Several tables, so that neighbours of equal count don't wait for each other's sum.
    std::vector<std::uint64_t> tables[4];
    for (auto& table : tables) table.assign(levels, 0);
    const auto pixels = slab.size() * cols;
    for (std::int64_t p = 0; p < pixels; ++p) {
      if (counts[p] != max_iter) ++tables[p & 3][level_of(counts[p])];
    }
    for (const auto& table : tables) {
      for (std::size_t level = 0; level < levels; ++level) histogram[level] += table[level];
    }
  });
  std::uint64_t total = 0;
  for (const auto n : histogram) total += n;
  std::vector<std::uint8_t> indices(levels, 1);
  std::uint64_t below = 0;
  for (std::size_t level = 0; level < levels; ++level) {
    const double middle = static_cast<double>(below) + static_cast<double>(histogram[level]) / 2;
    if (total > 0) indices[level] = static_cast<std::uint8_t>(1 + std::min(254.0, 255 * middle / static_cast<double>(total)));
    below += histogram[level];
  }
  return indices;
}

std::vector<Colour> palette_of(const Colormap& colours) {
  std::vector<Colour> palette(colours.begin(), colours.end());
  palette[0] = {0, 0, 0};
  return palette;
}

double to_linear(double srgb) { return srgb <= 0.04045 ? srgb / 12.92 : std::pow((srgb + 0.055) / 1.055, 2.4); }
double to_srgb(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

constexpr std::uint32_t linear_one = 4095;

/// Averages of `factor` x `factor` pixels, in linear light.
class Averager {
 public:
  Averager(const std::vector<Colour>& palette, std::int64_t cols, std::int64_t factor)
      : factor_(factor), cols_(cols), width_((cols + factor - 1) / factor), sums_(static_cast<std::size_t>(3 * width_)) {
    for (std::size_t i = 0; i < palette.size(); ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        linear_[i][c] = static_cast<std::uint32_t>(std::lround(to_linear(palette[i][c] / 255.0) * linear_one));
      }
    }
    for (std::size_t v = 0; v < srgb_.size(); ++v) {
      srgb_[v] = static_cast<std::uint8_t>(std::lround(to_srgb(static_cast<double>(v) / linear_one) * 255));
    }
  }

  [[nodiscard]] std::int64_t width() const { return width_; }

  void add_row(const std::uint8_t* indices) {
    ++rows_;
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto end = std::min((x + 1) * factor_, cols_);
      for (auto col = x * factor_; col < end; ++col) {
        const auto& colour = linear_[indices[col]];
        for (std::size_t c = 0; c < 3; ++c) sums_[static_cast<std::size_t>(3 * x) + c] += colour[c];
      }
    }
  }

  /// The averaged row; starts the next one.
  std::vector<std::uint8_t> take_row() {
    std::vector<std::uint8_t> row(sums_.size());
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto pixels = static_cast<std::uint64_t>((std::min((x + 1) * factor_, cols_) - x * factor_) * rows_);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(3 * x) + c;
        row[at] = srgb_[(sums_[at] + pixels / 2) / pixels];
      }
    }
    std::fill(sums_.begin(), sums_.end(), 0);
    rows_ = 0;
    return row;
  }

 private:
  std::int64_t factor_, cols_, width_;
  std::int64_t rows_ = 0;
  std::vector<std::uint64_t> sums_;
  std::array<std::array<std::uint32_t, 3>, 256> linear_{};
  std::array<std::uint8_t, linear_one + 1> srgb_{};
};

}  // namespace

void write_png(const std::filesystem::path& path, const ResultShape& shape, const ReadItems& read,
               const Colormap& colours, std::int64_t memory_limit) {
  const auto cols = shape.dims[1];
  const auto max_iter = shape.image.max_value;
  const Rows rows(shape, read, memory_limit);
  const auto indices = palette_indices(rows, shape);
  const auto palette = palette_of(colours);
  const auto factor = (std::max(shape.dims[0], cols) + largest_picture_side - 1) / largest_picture_side;
  const bool is_averaged = factor > 1;
  Averager averager(palette, cols, factor);
  PngFile png(path, averager.width(), (shape.dims[0] + factor - 1) / factor,
              is_averaged ? std::span<const Colour>() : palette);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(cols));
  rows.for_each_piece(factor, [&](Slab slab, const auto* counts) {
    for (auto r = slab.begin; r < slab.end; ++r) {
      const auto* from = counts + (r - slab.begin) * cols;
      for (std::int64_t col = 0; col < cols; ++col) {
        row[static_cast<std::size_t>(col)] = from[col] == max_iter ? 0 : indices[level_of(from[col])];
      }
      if (!is_averaged) {
        png.write_row(row);
        continue;
      }
      averager.add_row(row.data());
      if ((r + 1) % factor == 0 || r + 1 == shape.items()) png.write_row(averager.take_row());
    }
  });
  png.finish();
}

}  // namespace paceline::fractal
