// A list of tasks, all the same: the lessons' pools, with each task's time and place beside its result.
#pragma once

#include <string>

#include "workloads/tasks/work.hpp"
#include "workloads/workload.hpp"

namespace paceline::tasks {

/// An item is a task: `/tasks/result`, and `/tasks/seconds`, `/tasks/rank`, `/tasks/thread` by the engine.
class Tasks final : public Workload {
 public:
  void add_options(CLI::App& app) override;
  void prepare() override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] std::string kernel_name() const override { return work_.text(); }
  [[nodiscard]] RateUnit rate_unit() const override { return {"tasks/s", 1.0}; }
  /// The engine's pieces are made for work of a nanosecond.
  [[nodiscard]] double worst_item_work() const override { return work_.estimated_ns(); }
  [[nodiscard]] bool is_ordered() const override { return is_ordered_; }

  paceline::Work compute(Slab items, Operands operands, std::span<std::byte> bytes) const override;
  void compute_reference(Slab items, Operands operands, std::span<std::byte> bytes) const override;
  [[nodiscard]] double estimate_cost(std::int64_t /*task*/) const override { return 1; }

 private:
  // As the command line gives them.
  std::string text_ = "squares:2000";
  std::int64_t count_ = 1000;
  bool is_ordered_ = true;

  Work work_;
  ResultShape shape_;
};

}  // namespace paceline::tasks
