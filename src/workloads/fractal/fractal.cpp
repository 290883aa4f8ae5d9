#include "workloads/fractal/fractal.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include <paceline/error.hpp>

#include "workloads/fractal/colormaps.hpp"
#include "workloads/fractal/counts.hpp"
#include "workloads/fractal/picture.hpp"

namespace paceline::fractal {
namespace {

// Two axes of this many coordinates are what a rank can hold beside the image.
constexpr std::int64_t largest_axis = std::int64_t{1} << 28;
constexpr std::int64_t largest_max_iter = std::int64_t{1} << 53;

const std::map<std::string, Formula> formulas{{"mandelbrot", Formula::mandelbrot},
                                              {"julia", Formula::julia},
                                              {"burning-ship", Formula::burning_ship},
                                              {"tricorn", Formula::tricorn}};
const std::map<std::string, Interior> interiors{{"skip", Interior::skip}, {"plain", Interior::plain}};

template <class Enum>
std::string name_of(const std::map<std::string, Enum>& names, Enum value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) return name;
  }
  return "?";
}

Error bad_value(const std::string& option, const std::string& given, const std::string& why,
                const std::string& suggestion) {
  return {ErrorKind::usage, fmt::format("{} {} makes no sense", option, given), why, suggestion};
}

/// Two finite numbers with `separator` between them.
std::pair<double, double> two_numbers(const std::string& option, const std::string& text, char separator) {
  const auto example =
      fmt::format("give two numbers, for example {} {}", option, separator == ':' ? "-1.5:0" : "-0.8,0.156");
  double values[2] = {};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (int i = 0; i < 2; ++i) {
    const auto [next, code] = std::from_chars(at, end, values[i]);
    const bool is_last = i == 1;
    if (code != std::errc() || (is_last ? next != end : next == end || *next != separator)) {
      throw bad_value(option, text, "not two numbers", example);
    }
    at = next + 1;
    if (!std::isfinite(values[i])) throw bad_value(option, text, "not finite", example);
  }
  return {values[0], values[1]};
}

/// `samples` coordinates from a towards b: sample j is j*((b-a)/(samples-1)) + a, to the bit.
std::vector<double> coordinates(const std::string& option, const std::string& text, std::int64_t samples) {
  const auto [a, b] = two_numbers(option, text, ':');
  if (a == b && samples > 1) {
    throw bad_value(option, text, "the range is empty", "give two different ends, for example -1.5:0");
  }
  std::vector<double> values(static_cast<std::size_t>(samples), a);
  const double step = samples > 1 ? (b - a) / static_cast<double>(samples - 1) : 0.0;
  if (!std::isfinite(step)) throw bad_value(option, text, "the range overflows", "give nearer ends");
  for (std::size_t j = 1; j < values.size(); ++j) values[j] = static_cast<double>(j) * step + a;
  return values;
}

ElementType narrowest(std::int64_t max_value) {
  if (max_value <= 0xff) return ElementType::uint8;
  if (max_value <= 0xffff) return ElementType::uint16;
  if (max_value <= 0xffffffff) return ElementType::uint32;
  return ElementType::uint64;
}

std::span<const double> part(const std::vector<double>& values, Slab items) {
  return std::span(values).subspan(static_cast<std::size_t>(items.begin), static_cast<std::size_t>(items.size()));
}

}  // namespace

void Fractal::add_options(OptionSet& options) {
  options.add("--rows", rows_, "rows of the image").from(1, largest_axis);
  options.add("--cols", cols_, "columns of the image").from(1, largest_axis);
  options.add("--re", re_range_, "real parts of the first and last column, left to right")
      .shown(fmt::format("A:B ({})", re_range_));
  options.add("--im", im_range_, "imaginary parts of the first and last row, top to bottom")
      .shown(fmt::format("A:B ({})", im_range_));
  options.add("--max-iter", max_iter_, "iterations after which a point counts as inside").from(1, largest_max_iter);
  options.add_choice("--formula", formula_, formulas, "mandelbrot, julia, burning-ship or tricorn")
      .shown("NAME (mandelbrot)");
  options.add("--julia-c", julia_c_, "the constant of a Julia set").shown(fmt::format("RE,IM ({})", julia_c_));
  options
      .add_choice("--interior", interior_, interiors,
                  "skip points that are proved to be inside, or iterate all; the counts are the same")
      .shown("skip|plain (skip)");
  options.add("--png", png_, "also draw the image").shown("FILE.png");
  options.add("--colormap", colormap_, "colours of --png")
      .one_of(colormap_names())
      .shown(fmt::format("NAME ({})", colormap_));
}

void Fractal::prepare() {
  const auto [julia_re, julia_im] = two_numbers("--julia-c", julia_c_, ',');
  params_ = {formula_, interior_, static_cast<std::uint64_t>(max_iter_), julia_re, julia_im};

  shape_.path = "/fractal/counts";
  shape_.type = narrowest(max_iter_);
  shape_.dims = {rows_, cols_};
  shape_.axes = {{"/fractal/im", "imaginary part", coordinates("--im", im_range_, rows_)},
                 {"/fractal/re", "real part", coordinates("--re", re_range_, cols_)}};
  shape_.units = "iterations";
  shape_.is_image = true;
  shape_.image.max_value = static_cast<std::uint64_t>(max_iter_);
  if (shape_.type == ElementType::uint8) {
    // Pixels without a count of their own keep the palette at the 256 colours that viewers expect.
    const auto map = colormap("viridis");
    for (std::int64_t count = 0; count < 256; ++count) {
      const auto colour = count < max_iter_ ? map[static_cast<std::size_t>(count * 255 / max_iter_)] : Colour{};
      shape_.image.palette.insert(shape_.image.palette.end(), colour.begin(), colour.end());
    }
  }
  const auto& im = shape_.axes[0].values;
  const auto& re = shape_.axes[1].values;
  shape_.attributes = {{"formula", name_of(formulas, formula_)},
                       {"max_iter", max_iter_},
                       {"re_first", re.front()},
                       {"re_last", re.back()},
                       {"im_first", im.front()},
                       {"im_last", im.back()}};
  if (formula_ == Formula::julia) {
    shape_.attributes.emplace_back("julia_c_re", julia_re);
    shape_.attributes.emplace_back("julia_c_im", julia_im);
  }
}

Traits Fractal::traits() const {
  Traits traits;
  traits.kernel = fmt::format("{}, {}, interior {}", name_of(formulas, formula_), simd_target_name(),
                              name_of(interiors, interior_));
  traits.rate_unit = {"Giga-iterations/s", 1e9};
  traits.item_rate_unit = {"megapixels/s", 1e6 / static_cast<double>(cols_)};
  traits.items_between_checks = items_of_steps(static_cast<double>(cols_) * static_cast<double>(max_iter_));
  return traits;
}

Parts Fractal::parts() {
  Parts parts;
  if (!png_.empty()) parts.drawn_files = this;
  return parts;
}

Work Fractal::compute(Slab rows, Operands /*none*/, ItemOutput output) const {
  return with_counts(shape_.type, output.bytes, [&](auto counts) {
    const auto done = count_block(params_, shape_.axes[1].values, part(shape_.axes[0].values, rows), counts);
    return Work{done.counted, done.executed};
  });
}

void Fractal::compute_reference(Slab rows, Operands /*none*/, ItemOutput output) const {
  with_counts(shape_.type, output.bytes, [&](auto counts) {
    count_block_reference(params_, std::span(shape_.axes[1].values), part(shape_.axes[0].values, rows), counts);
  });
}

double Fractal::estimate_cost(std::int64_t row) const {
  // A thousand pixels and more of the row, or filling and draining the kernel's lanes counts most, and something for
  // each pixel whatever its count.
  const auto& re = shape_.axes[1].values;
  const auto step = std::max<std::size_t>(1, re.size() / 1024);
  std::vector<double> some;
  for (std::size_t j = step / 2; j < re.size(); j += step) some.push_back(re[j]);
  std::vector<std::uint64_t> counts(some.size());
  const auto work = count_block(params_, std::span<const double>(some), part(shape_.axes[0].values, {row, row + 1}),
                                std::span(counts));
  return static_cast<double>(work.executed) / static_cast<double>(some.size()) + 0.5;
}

std::int64_t Fractal::strips(std::int64_t memory_limit) const { return Picture(shape_, memory_limit).strips(); }

std::vector<std::uint64_t> Fractal::survey(Slab strips, const ReadItems& read, std::int64_t memory_limit) const {
  return Picture(shape_, memory_limit).survey(strips, read);
}

std::vector<std::byte> Fractal::draw(Slab strips, std::span<const std::uint64_t> seen, const ReadItems& read,
                                     std::int64_t memory_limit) const {
  return Picture(shape_, memory_limit).draw(strips, seen, read, colormap(colormap_));
}

void Fractal::assemble(std::span<const std::vector<std::byte>> drawn, std::int64_t memory_limit) const {
  Picture(shape_, memory_limit).write(png_, drawn, colormap(colormap_));
}

}  // namespace paceline::fractal
