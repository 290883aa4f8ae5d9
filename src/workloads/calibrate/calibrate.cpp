#include "workloads/calibrate/calibrate.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include <paceline/error.hpp>

namespace paceline::calibrate {
namespace {

constexpr double longest_s = 1e7;

/// The logistic map at a chaotic parameter: each iteration needs the one before, so that neither SIMD nor a clever
/// compiler changes how long it takes.
double chain(double x, std::int64_t iterations) {
  for (std::int64_t i = 0; i < iterations; ++i) x = 3.9 * x * (1 - x);
  return x;
}

/// Another place in (0, 1) for each item.
double start_of(std::int64_t item) {
  return (static_cast<double>(item) + 1) / (static_cast<double>(Calibrate::items) + 2);
}

}  // namespace

void Calibrate::add_options(OptionSet& options) {
  options.add("--serial", serial_, "share of the work that one rank does alone")
      .between(0.0, 1.0)
      .shown("FRACTION (0.1)");
  options.add("--seconds", seconds_, "about how long one core takes for all of it")
      .between(0.0, longest_s)
      .shown("S (10)");
}

void Calibrate::prepare() {
  if (!std::isfinite(serial_) || !std::isfinite(seconds_) || seconds_ <= 0) {
    throw Error(ErrorKind::usage, "--serial and --seconds make no sense", fmt::format("{} and {}", serial_, seconds_),
                "give a share from 0 to 1 and a positive number of seconds");
  }
  const auto all = std::llround(seconds_ * iterations_per_second);
  serial_iterations_ = std::llround(static_cast<double>(all) * serial_);
  item_iterations_ = (all - serial_iterations_) / items;
  longer_items_ = (all - serial_iterations_) % items;
  shape_.path = "/calibrate/values";
  shape_.type = ElementType::float64;
  shape_.dims = {items};
  shape_.attributes = {{"serial_fraction", serial_}, {"iterations", static_cast<std::int64_t>(all)}};
}

std::int64_t Calibrate::iterations_of(std::int64_t item) const {
  return item_iterations_ + (item < longer_items_ ? 1 : 0);
}

Traits Calibrate::traits() const {
  Traits traits;
  traits.kernel = "logistic map, one chain per item";
  traits.rate_unit = {"Giga-iterations/s", 1e9};
  traits.items_between_checks = items_of_steps(static_cast<double>(item_iterations_ + 1));
  return traits;
}

Parts Calibrate::parts() {
  Parts parts;
  parts.serial = this;
  return parts;
}

void Calibrate::run_serial_part(const std::function<bool()>& stop) const {
  constexpr std::int64_t piece = 1 << 22;  // about 10 ms
  double x = 0.5 / 3;
  for (std::int64_t done = 0; done < serial_iterations_ && !stop(); done += piece) {
    x = chain(x, std::min(piece, serial_iterations_ - done));
  }
  serial_end_ = x;
}

Work Calibrate::compute(Slab slab, Operands operands, ItemOutput output) const {
  compute_reference(slab, operands, output);
  Work work;
  for (auto item = slab.begin; item < slab.end; ++item) work.useful += static_cast<std::uint64_t>(iterations_of(item));
  work.executed = work.useful;
  return work;
}

void Calibrate::compute_reference(Slab slab, Operands /*operands*/, ItemOutput output) const {
  for (auto item = slab.begin; item < slab.end; ++item) {
    const double value = chain(start_of(item), iterations_of(item));
    std::memcpy(output.bytes.data() + static_cast<std::size_t>(item - slab.begin) * sizeof value, &value, sizeof value);
  }
}

double Calibrate::estimate_cost(std::int64_t item) const { return static_cast<double>(iterations_of(item) + 1); }

}  // namespace paceline::calibrate
