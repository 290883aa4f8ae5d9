// The calibration workload: work whose serial fraction is dialled, so that what a study fits can be held against it.
//
// One core has `seconds` of floating-point work at a fixed number of iterations a second. The dialled share of the
// iterations is one chain that rank 0 goes through alone while everybody waits; the rest is cut into items of equal
// length. The amount, and with it the result and its digest, depends on the options and on no clock.
#pragma once

#include <atomic>
#include <cstdint>

#include "workloads/workload.hpp"

namespace paceline::calibrate {

class Calibrate final : public Workload, public SerialPart {
 public:
  /// Iterations that one core of 2022 (Zen 4) does in a second; another core takes longer or shorter for the whole.
  static constexpr double iterations_per_second = 4e8;
  /// Divisible by every number up to 10 and by 12, 14, 15, 16, ...: no layout has one item more than another.
  static constexpr std::int64_t items = 5040;

  void add_options(OptionSet& options) override;
  void prepare() override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;
  [[nodiscard]] Parts parts() override;

  void run_serial_part(const std::function<bool()>& stop) const override;
  Work compute(Slab slab, Operands operands, ItemOutput output) const override;
  void compute_reference(Slab slab, Operands operands, ItemOutput output) const override;
  [[nodiscard]] double estimate_cost(std::int64_t item) const override;

  /// Iterations of the serial part, and of one item.
  [[nodiscard]] std::int64_t serial_iterations() const { return serial_iterations_; }
  [[nodiscard]] std::int64_t iterations_of(std::int64_t item) const;

 private:
  double serial_ = 0.1;
  double seconds_ = 10;
  std::int64_t serial_iterations_ = 0;
  std::int64_t item_iterations_ = 0;
  std::int64_t longer_items_ = 0;  ///< the first so many have one iteration more
  ResultShape shape_;
  mutable std::atomic<double> serial_end_ = 0;  ///< keeps the chain from being optimised away
};

}  // namespace paceline::calibrate
