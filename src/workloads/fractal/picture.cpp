#include "workloads/fractal/picture.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <exception>
#include <mutex>
#include <vector>

#include "workloads/fractal/counts.hpp"
#include "workloads/fractal/png_file.hpp"
#include "workloads/fractal/png_strip.hpp"

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

/// Counts the levels of a row, but for what is `inside`.
template <class Count>
void tally(std::span<const Count> counts, std::uint64_t inside, std::span<std::uint64_t> seen) {
  if constexpr (sizeof(Count) > 1) {
    for (const auto count : counts) {
      if (count != inside) ++seen[level_of(count)];
    }
  } else {
    // Neighbours are often equal. Each has a tally of its own: an addition to one place waits for the one before.
    std::array<std::array<std::uint32_t, 256>, 4> parts{};
    for (std::size_t k = 0; k < counts.size(); ++k) ++parts[k % 4][counts[k]];
    for (std::size_t count = 0; count < 256; ++count) {
      for (const auto& part : parts) seen[count] += count == inside ? 0 : part[count];
    }
  }
}

/// What a thread draws with; its memory is used again by each strip.
struct Desk {
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> histogram;
  std::vector<std::uint8_t> drawn;
  StripPacker packer;
};

/// Calls action(strip, desk, read) for each of the strips by all threads, where read(rows) puts the bytes of some rows
/// on the desk: one thread reads at a time. The first exception of any thread is thrown when all are done.
template <class Action>
void for_each_strip(Slab strips, const ResultShape& shape, const ReadItems& read, Action&& action) {
  std::exception_ptr first;
  std::mutex reading;  // HDF5 is for one thread at a time
#pragma omp parallel
  {
    Desk desk;
    const auto read_rows = [&](Slab rows) -> const std::vector<std::byte>& {
      desk.bytes.resize(shape.bytes_in(rows));
      const std::lock_guard lock(reading);
      read(rows, desk.bytes);
      return desk.bytes;
    };
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t strip = strips.begin; strip < strips.end; ++strip) {
      try {
        action(strip, desk, read_rows);
      } catch (...) {
#pragma omp critical(paceline_first_error)
        if (!first) first = std::current_exception();
      }
    }
  }
  if (first) std::rethrow_exception(first);
}

/// Palette index of each count: 0, black, is the interior; the others follow the share of pixels with a lower count.
class Colouring {
 public:
  Colouring(const ResultShape& shape, std::span<const std::uint64_t> histogram)
      : max_iter_(shape.image.max_value), by_level_(levels, 1) {
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

  template <class Count>
  void colour(std::span<const Count> counts, std::uint8_t* to) const {
    const auto* from = counts.data();
    const auto* const end = from + counts.size();
    if constexpr (sizeof(Count) == 1) {
      // Eight by one load and one store.
      const auto* const by_count = by_count_.data();
      for (std::uint64_t eight = 0; end - from >= 8; from += 8, to += 8) {
        std::memcpy(&eight, from, sizeof eight);
        std::uint64_t colours = 0;
        for (unsigned bit = 0; bit < 64; bit += 8) {
          colours |= static_cast<std::uint64_t>(by_count[eight >> bit & 0xff]) << bit;
        }
        std::memcpy(to, &colours, sizeof colours);
      }
    }
    std::transform(from, end, to, [this](Count count) { return (*this)(count); });
  }

 private:
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

  /// One averaged row of at most `factor` rows of counts; many threads may ask for rows at once.
  template <class Count>
  void average(const Count* counts, std::int64_t rows, const Colouring& index_of, std::span<std::uint8_t> row) const {
    std::vector<std::uint64_t> sums(row.size());
    for (std::int64_t r = 0; r < rows; ++r, counts += cols_) add_row(counts, index_of, sums);
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto pixels = static_cast<std::uint64_t>((std::min((x + 1) * factor_, cols_) - x * factor_) * rows);
      for (std::size_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(3 * x) + c;
        row[at] = srgb_[(sums[at] + pixels / 2) / pixels];
      }
    }
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

// What a thread draws and packs at once: a second cache holds it, and joining costs a few bytes in thousands.
constexpr std::int64_t strip_bytes = std::int64_t{256} << 10;
// Some millions of pixels tell the shares of all.
constexpr std::int64_t sampled_pixels = 4'000'000;
// Rows that lie this far apart are read one by one, nearer ones with all that is between.
constexpr std::int64_t far_apart = 16;

Picture::Picture(const ResultShape& shape, std::int64_t memory_limit)
    : shape_(shape),
      cols_(shape.dims[1]),
      factor_((std::max(shape.dims[0], cols_) + largest_picture_side - 1) / largest_picture_side),
      width_((cols_ + factor_ - 1) / factor_),
      height_((shape.dims[0] + factor_ - 1) / factor_) {
  const auto drawn = strip_bytes / (width_ * (is_averaged() ? 3 : 1));
  // The same strips for every layout and limit: the bytes of the file depend on them.
  strip_rows_ = std::max(std::int64_t{1}, drawn);
  const auto held = memory_limit / 4 / omp_get_max_threads() / (shape.bytes_per_row() * factor_);
  read_rows_ = std::clamp(held, std::int64_t{1}, strip_rows_);
}

/// Of the data.
Slab Picture::rows_of(std::int64_t strip) const {
  return intersect({strip * strip_rows_ * factor_, (strip + 1) * strip_rows_ * factor_}, {0, shape_.items()});
}

std::vector<std::uint64_t> Picture::survey(Slab strips, const ReadItems& read) const {
  const auto stride = std::clamp(shape_.items() * cols_ / sampled_pixels, std::int64_t{1}, shape_.items());
  const auto inside = shape_.image.max_value;
  std::vector<std::uint64_t> histogram(levels, 0);
  for_each_strip(strips, shape_, read, [&](std::int64_t strip, Desk& desk, const auto& read_rows) {
    auto& seen = desk.histogram;
    seen.assign(levels, 0);
    const auto rows = rows_of(strip);
    const auto look_at = [&](Slab part) {
      with_counts(shape_.type, std::span(read_rows(part)), [&](auto all) {
        const auto* counts = all.data();
        for (auto row = part.begin; row < part.end; row += stride, counts += stride * cols_) {
          tally(std::span(counts, static_cast<std::size_t>(cols_)), inside, seen);
        }
      });
    };
    // Every stride-th row of the data, the first of them in the middle of as many.
    const auto before = (std::max(rows.begin - stride / 2, std::int64_t{0}) + stride - 1) / stride;
    auto row = stride / 2 + before * stride;
    const auto together = std::max(stride, read_rows_ * factor_ / stride * stride);
    if (stride < far_apart) {
      for (; row < rows.end; row += together) look_at({row, std::min(row + together, rows.end)});
    } else {
      for (; row < rows.end; row += stride) look_at({row, row + 1});
    }
#pragma omp critical(paceline_survey)
    for (std::size_t level = 0; level < levels; ++level) histogram[level] += seen[level];
  });
  return histogram;
}

std::vector<std::byte> Picture::draw(Slab strips, std::span<const std::uint64_t> seen, const ReadItems& read,
                                     const Colormap& colours) const {
  const Colouring index_of(shape_, seen);
  const Averager averager(palette_of(colours), cols_, factor_);
  const auto pixel = is_averaged() ? 3 : 1;
  std::vector<PngStrip> packed(static_cast<std::size_t>(strips.size()));
  for_each_strip(strips, shape_, read, [&](std::int64_t strip, Desk& desk, const auto& read_rows) {
    const auto rows = rows_of(strip);
    const auto drawn_rows = (rows.size() + factor_ - 1) / factor_;
    auto& drawn = desk.drawn;
    drawn.resize(static_cast<std::size_t>(drawn_rows * width_ * pixel));
    for (std::int64_t begin = 0; begin < drawn_rows; begin += read_rows_) {
      const auto end = std::min(begin + read_rows_, drawn_rows);
      const auto part = intersect({rows.begin + begin * factor_, rows.begin + end * factor_}, rows);
      const auto row_at = [&](std::int64_t row) {
        return std::span(drawn).subspan(static_cast<std::size_t>(row * width_ * pixel),
                                        static_cast<std::size_t>(width_ * pixel));
      };
      with_counts(shape_.type, std::span(read_rows(part)), [&](auto all) {
        const auto* counts = all.data();
        if (!is_averaged()) {
          return index_of.colour(std::span(counts, static_cast<std::size_t>(part.size() * cols_)),
                                 row_at(begin).data());
        }
        for (std::int64_t r = begin; r < end; ++r) {
          const auto first = (r - begin) * factor_;
          averager.average(counts + first * cols_, std::min(factor_, part.size() - first), index_of, row_at(r));
        }
      });
    }
    packed[static_cast<std::size_t>(strip - strips.begin)] =
        desk.packer.pack(drawn, width_, pixel, rows.end == shape_.items() ? StripEnd::last : StripEnd::more_follow);
  });
  return joined(packed);
}

void Picture::write(const std::filesystem::path& path, std::span<const std::vector<std::byte>> drawn,
                    const Colormap& colours) const {
  const auto palette = palette_of(colours);
  PngFile png(path, width_, height_, is_averaged() ? std::span<const Colour>() : palette);
  for (const auto& strips : drawn) png.write(strips);
  png.finish();
}

}  // namespace paceline::fractal
