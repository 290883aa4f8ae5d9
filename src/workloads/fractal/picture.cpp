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
        step_(std::clamp(memory_limit / 4 / shape.most_bytes_per_item(), std::int64_t{1}, std::int64_t{1024})) {}

  /// Calls action(rows, their counts) piece by piece; pieces begin at multiples of `multiple`.
  template <class Action>
  void for_each_piece(std::int64_t multiple, Action&& action) const {
    const auto step = std::max(step_ / multiple, std::int64_t{1}) * multiple;
    for (std::int64_t begin = 0; begin < shape_.items(); begin += step) {
      with({begin, std::min(begin + step, shape_.items())}, action);
    }
  }

  /// Calls action(rows, their counts) for every `stride`-th row.
  template <class Action>
  void for_each_nth(std::int64_t stride, Action&& action) const {
    for (std::int64_t row = stride / 2; row < shape_.items(); row += stride) with({row, row + 1}, action);
  }

 private:
  template <class Action>
  void with(Slab slab, Action&& action) const {
    std::vector<std::byte> bytes(shape_.bytes_in(slab));
    read_(slab, bytes);
    switch (shape_.type) {
      case ElementType::uint8: action(slab, reinterpret_cast<const std::uint8_t*>(bytes.data())); break;
      case ElementType::uint16: action(slab, reinterpret_cast<const std::uint16_t*>(bytes.data())); break;
      case ElementType::uint32: action(slab, reinterpret_cast<const std::uint32_t*>(bytes.data())); break;
      default: action(slab, reinterpret_cast<const std::uint64_t*>(bytes.data())); break;
    }
  }

  const ResultShape& shape_;
  const ReadItems& read_;
  std::int64_t step_;
};

/// Palette index of each count: 0, black, is the interior; the others follow the share of pixels with a lower count.
class Colouring {
 public:
  Colouring(const Rows& rows, const ResultShape& shape) : max_iter_(shape.image.max_value), by_level_(levels, 1) {
    std::vector<std::uint64_t> histogram(levels, 0);
    const auto cols = shape.dims[1];
    // Some millions of pixels tell the shares of all.
    const auto stride = std::clamp(shape.items() * cols / sampled_pixels, std::int64_t{1}, shape.items());
    rows.for_each_nth(stride, [&](Slab slab, const auto* counts) {
      for (std::int64_t p = 0; p < slab.size() * cols; ++p) {
        if (counts[p] != max_iter_) ++histogram[level_of(counts[p])];
      }
    });
    std::uint64_t total = 0;
    for (const auto n : histogram) total += n;
    std::uint64_t below = 0;
    for (std::size_t level = 0; level < levels && total > 0; ++level) {
      const double middle = static_cast<double>(below) + static_cast<double>(histogram[level]) / 2;
      by_level_[level] = static_cast<std::uint8_t>(1 + std::min(254.0, 255 * middle / static_cast<double>(total)));
      below += histogram[level];
    }
    for (std::size_t count = 0; count < by_count_.size(); ++count) {
      by_count_[count] = count == max_iter_ ? std::uint8_t{0} : by_level_[level_of(count)];
    }
  }

  template <class Count>
  [[nodiscard]] std::uint8_t operator()(Count count) const {
    if constexpr (sizeof(Count) > 2) {
      if (count >= by_count_.size()) return count == max_iter_ ? std::uint8_t{0} : by_level_[level_of(count)];
    }
    return by_count_[count];
  }

 private:
  static constexpr std::int64_t sampled_pixels = 4'000'000;
  std::uint64_t max_iter_;
  std::vector<std::uint8_t> by_level_;
  std::vector<std::uint8_t> by_count_ = std::vector<std::uint8_t>(65536);
};

std::vector<Colour> palette_of(const Colormap& colours) {
  std::vector<Colour> palette(colours.begin(), colours.end());
  palette[0] = {0, 0, 0};
  return palette;
}

double to_linear(double srgb) { return srgb <= 0.04045 ? srgb / 12.92 : std::pow((srgb + 0.055) / 1.055, 2.4); }
double to_srgb(double linear) {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

/// Averages of `factor` x `factor` pixels, in linear light.
class Averager {
 public:
  Averager(const std::vector<Colour>& palette, std::int64_t cols, std::int64_t factor)
      : factor_(factor), cols_(cols), width_((cols + factor - 1) / factor) {
    for (std::size_t i = 0; i < palette.size(); ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        const auto value = std::lround(to_linear(palette[i][c] / 255.0) * linear_one);
        packed_[i] |= static_cast<std::uint64_t>(value) << (channel_bits * c);
      }
    }
    for (std::size_t v = 0; v < srgb_.size(); ++v) {
      srgb_[v] = static_cast<std::uint8_t>(std::lround(to_srgb(static_cast<double>(v) / linear_one) * 255));
    }
  }

  [[nodiscard]] std::int64_t width() const { return width_; }

  /// One averaged row of at most `factor` rows of counts; many threads may ask for rows at once.
  template <class Count>
  [[nodiscard]] std::vector<std::uint8_t> average(const Count* counts, std::int64_t rows,
                                                  const Colouring& index_of) const {
    std::vector<std::uint64_t> sums(static_cast<std::size_t>(3 * width_));
    for (std::int64_t r = 0; r < rows; ++r, counts += cols_) add_row(counts, index_of, sums);
    std::vector<std::uint8_t> row(sums.size());
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto pixels = static_cast<std::uint64_t>((std::min((x + 1) * factor_, cols_) - x * factor_) * rows);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(3 * x) + c;
        row[at] = srgb_[(sums[at] + pixels / 2) / pixels];
      }
    }
    return row;
  }

 private:
  template <class Count>
  void add_row(const Count* counts, const Colouring& index_of, std::vector<std::uint64_t>& row_sums) const {
    for (std::int64_t x = 0; x < width_; ++x) {
      auto* sums = &row_sums[static_cast<std::size_t>(3 * x)];
      const auto end = std::min((x + 1) * factor_, cols_);
      for (auto col = x * factor_; col < end;) {
        // All three channels in one addition, for as many pixels as a channel's bits can hold.
        std::uint64_t sum = 0;
        for (const auto stop = std::min(col + packed_pixels, end); col < stop; ++col) {
          sum += packed_[index_of(counts[col])];
        }
        for (std::size_t c = 0; c < 3; ++c) sums[c] += sum >> (channel_bits * c) & ((1U << channel_bits) - 1);
      }
    }
  }

  static constexpr std::uint32_t linear_one = 4095;
  static constexpr unsigned channel_bits = 21;
  static constexpr std::int64_t packed_pixels = 1 << (21 - 12);
  std::int64_t factor_, cols_, width_;
  std::array<std::uint64_t, 256> packed_{};
  std::array<std::uint8_t, linear_one + 1> srgb_{};
};

}  // namespace

void write_png(const std::filesystem::path& path, const ResultShape& shape, const ReadItems& read,
               const Colormap& colours, std::int64_t memory_limit) {
  const auto cols = shape.dims[1];
  const Rows rows(shape, read, memory_limit);
  const Colouring index_of(rows, shape);
  const auto palette = palette_of(colours);
  const auto factor = (std::max(shape.dims[0], cols) + largest_picture_side - 1) / largest_picture_side;
  const bool is_averaged = factor > 1;
  Averager averager(palette, cols, factor);
  PngFile png(path, averager.width(), (shape.dims[0] + factor - 1) / factor,
              is_averaged ? std::span<const Colour>() : palette);
  rows.for_each_piece(factor, [&](Slab slab, const auto* counts) {
    std::vector<std::vector<std::uint8_t>> drawn(static_cast<std::size_t>((slab.size() + factor - 1) / factor));
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const auto first = static_cast<std::int64_t>(i) * factor;
      const auto* from = counts + first * cols;
      if (is_averaged) {
        drawn[i] = averager.average(from, std::min(factor, slab.size() - first), index_of);
      } else {
        drawn[i].resize(static_cast<std::size_t>(cols));
        std::transform(from, from + cols, drawn[i].begin(), [&](auto count) { return index_of(count); });
      }
    }
    for (const auto& row : drawn) png.write_row(row);
  });
  png.finish();
}

}  // namespace paceline::fractal
