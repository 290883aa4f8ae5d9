#include "workloads/tasks/tasks.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <paceline/error.hpp>

namespace paceline::tasks {
namespace {

constexpr std::size_t result_bytes = 8;
constexpr std::int64_t largest_count = std::int64_t{1} << 40;

}  // namespace

void Tasks::add_options(CLI::App& app) {
  app.add_option("--work", text_, "what each task does: squares:N, fib:N, sleep:SECONDS, spin:SECONDS, fail:K")
      ->option_text("KIND:VALUE (squares:2000)");
  app.add_option("--count", count_, "number of tasks")
      ->check(CLI::Range(std::int64_t{1}, largest_count))
      ->capture_default_str();
  auto* ordered = app.add_flag("--ordered", is_ordered_,
                               "results are written in order as tasks are done, which holds back what is far ahead of "
                               "a slow task (default)");
  app.add_flag_callback(
         "--unordered", [this] { is_ordered_ = false; }, "no task waits for another")
      ->excludes(ordered);
}

void Tasks::prepare() {
  work_ = parse_work(text_);
  if (work_.kind == Kind::fail && work_.number >= count_) {
    throw Error(ExitCode::usage, fmt::format("--work {} names no task", text_),
                fmt::format("--count {} has tasks 0 to {}", count_, count_ - 1), "give a smaller number");
  }
  shape_ = {};
  shape_.path = "/tasks/result";
  shape_.type = work_.result_type();
  shape_.dims = {count_};
  shape_.records = std::string("/tasks");
  if (shape_.type == ElementType::float64) shape_.units = std::string("s");
  shape_.attributes = {{"work", work_.text()}};
}

paceline::Work Tasks::compute(Slab items, Operands /*none*/, std::span<std::byte> bytes) const {
  for (auto task = items.begin; task < items.end; ++task) {
    perform(work_, task, &bytes[static_cast<std::size_t>(task - items.begin) * result_bytes]);
  }
  const auto tasks = static_cast<std::uint64_t>(items.size());
  return {tasks, tasks};
}

void Tasks::compute_reference(Slab items, Operands /*none*/, std::span<std::byte> bytes) const {
  for (auto task = items.begin; task < items.end; ++task) {
    perform_reference(work_, task, &bytes[static_cast<std::size_t>(task - items.begin) * result_bytes]);
  }
}

}  // namespace paceline::tasks
