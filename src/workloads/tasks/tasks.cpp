#include "workloads/tasks/tasks.hpp"

#include <fmt/format.h>

#include <paceline/error.hpp>

namespace paceline::tasks {
namespace {

constexpr std::size_t result_bytes = 8;
constexpr std::int64_t largest_count = std::int64_t{1} << 40;

}  // namespace

void Tasks::add_options(OptionSet& options) {
  options.add("--work", text_, "what each task does: squares:N, fib:N, sleep:SECONDS, spin:SECONDS, fail:K")
      .shown("KIND:VALUE (squares:2000)");
  options.add("--count", count_, "number of tasks").from(1, largest_count);
  options.add("--ordered", is_ordered_, "write results in order, so that tasks far ahead of a slow one wait (default)");
  options.add("--unordered", is_ordered_, "no task waits for another").sets(false).excludes("--ordered");
}

void Tasks::prepare() {
  work_ = parse_work(text_);
  if (work_.kind == Kind::fail && work_.number >= count_) {
    throw Error(ErrorKind::usage, fmt::format("--work {} names no task", text_),
                fmt::format("--count {} has tasks 0 to {}", count_, count_ - 1), "give a smaller number");
  }
  shape_ = {};
  shape_.path = "/tasks/result";
  shape_.type = work_.result_type();
  shape_.dims = {count_};
  shape_.origins = "/tasks";
  // Of a string: g++ 12 warns of "s" itself, wrongly.
  if (shape_.type == ElementType::float64) shape_.units = std::string("s");
  shape_.attributes = {{"work", work_.text()}};
}

Traits Tasks::traits() const {
  Traits traits;
  traits.kernel = work_.text();
  traits.rate_unit = {"tasks/s", 1.0};
  traits.items_between_checks = items_of_steps(work_.estimated_ns());
  traits.is_ordered = is_ordered_;
  return traits;
}

paceline::Work Tasks::compute(Slab items, Operands /*none*/, ItemOutput output) const {
  for (auto task = items.begin; task < items.end; ++task) {
    perform(work_, task, &output.bytes[static_cast<std::size_t>(task - items.begin) * result_bytes]);
  }
  const auto tasks = static_cast<std::uint64_t>(items.size());
  return {tasks, tasks};
}

void Tasks::compute_reference(Slab items, Operands /*none*/, ItemOutput output) const {
  for (auto task = items.begin; task < items.end; ++task) {
    perform_reference(work_, task, &output.bytes[static_cast<std::size_t>(task - items.begin) * result_bytes]);
  }
}

}  // namespace paceline::tasks
