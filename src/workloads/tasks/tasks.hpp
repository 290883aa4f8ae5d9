// A list of tasks, all the same: the lessons' pools, with each task's time and place beside its result.
#pragma once

#include <string>

#include "workloads/tasks/work.hpp"
#include "workloads/workload.hpp"

namespace paceline::tasks {

/// An item is a task: `/tasks/result`, and `/tasks/seconds`, `/tasks/rank`, `/tasks/thread` by the engine.
class Tasks final : public Workload {
 public:
  void add_options(OptionSet& options) override;
  void prepare() override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;

  paceline::Work compute(Slab items, Operands operands, ItemOutput output) const override;
  void compute_reference(Slab items, Operands operands, ItemOutput output) const override;

 private:
  // As the command line gives them.
  std::string text_ = "squares:2000";
  std::int64_t count_ = 1000;
  bool is_ordered_ = true;

  Work work_;
  ResultShape shape_;
};

}  // namespace paceline::tasks
