#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/launch.hpp"
#include "host/say.hpp"
#include "host/text.hpp"
#include "report/figures.hpp"
#include "storage/output_path.hpp"

namespace paceline {

using namespace figures;

namespace {

double computed_bytes(const RunSummary& summary) { return static_cast<double>(summary.computed_bytes); }

/// "2" when all ranks have it, else "1 to 2".
std::string range(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *low == *high ? fmt::format("{:.0f}", *low) : fmt::format("{:.0f} to {:.0f}", *low, *high);
}

std::string layout(const PlanRequest& request, const Parts& parts) {
  return fmt::format("{} x {}", plural(request.ranks, "rank"),
                     plural(request.threads, parts.waiting != nullptr ? "worker" : "thread"));
}

std::string memory_text(const RunSummary& summary) {
  const auto unit = summary.options->workload->traits().rate_unit;
  const auto together = rate_together(summary);
  const auto alone = fmt::format("{:.1f} {} by one core alone", summary.rate_alone / unit.per, unit.name);
  if (workers(summary) < 2) return alone;
  return fmt::format("{}, {:.1f} together: {:.2f} x on {:.0f} cores, the {} the limit", alone, together / unit.per,
                     together / summary.rate_alone, workers(summary),
                     memory_is_the_limit(summary) ? "memory is" : "cores are");
}

/// "make", or "made" with `past`: how the inputs come to be.
std::string feeding_verb(const Parts& parts, bool past) {
  if (!parts.inputs->inputs().front().is_made()) return "read";
  return parts.scanned_file == nullptr ? (past ? "made" : "make") : (past ? "parsed" : "parse");
}

std::string inputs_text(const RunSummary& summary) {
  const auto& inputs = *summary.parts->inputs;
  const auto feeding = summary.plan->feeding();
  const auto each = static_cast<double>(inputs.elements()) * sizeof(double);
  auto text = fmt::format("{} of {} {}", inputs.inputs().size(), human_bytes(each), feeding_verb(*summary.parts, true));
  if (feeding == Feeding::made) return text + " as they are needed, in the cache: they exceed --memory-limit";
  text += inputs.input_memory() == InputMemory::per_node ? ", shared by a node's ranks" : ", private to each rank";
  text += summary.huge_bytes > 0
              ? fmt::format(", {} in huge pages", human_bytes(static_cast<double>(summary.huge_bytes)))
              : ", in small pages";
  return feeding == Feeding::streamed ? text + ", band by band: they exceed --memory-limit" : text;
}

std::string scatter_text(const RunSummary& summary) {
  const auto copy_s = largest(column(summary, &RankRow::copy_s));
  return fmt::format("   allocate {:.4f}, {} {:.4f}, copy {:.4f}", largest(column(summary, &RankRow::allocate_s)),
                     feeding_verb(*summary.parts, false), largest(column(summary, &RankRow::fill_s)), copy_s);
}

/// "/table (1000 rows x 2 columns: a, b)"
std::string columns_text(const ResultShape& shape) {
  std::vector<std::string> names;
  for (const auto& column : shape.columns) names.push_back(column.path.substr(column.path.rfind('/') + 1));
  return fmt::format("{} ({} x {}: {})", shape.path, plural(shape.rows(), "row"), plural(std::ssize(names), "column"),
                     fmt::join(names, ", "));
}

std::string dims_text(const ResultShape& shape) {
  if (!shape.columns.empty()) return columns_text(shape);
  return fmt::format("{} ({} x {} bytes, {})", shape.path, fmt::join(shape.stored_dims(), " x "), bytes_of(shape.type),
                     human_bytes(static_cast<double>(shape.bytes_in({0, shape.items()}))));
}

/// One number, or where the array of them is.
std::string reduced_text(const Reduced& reduced) {
  if (reduced.dims.empty()) return fmt::format("{:.17g} ({})", reduced.values.front(), reduced.what);
  return fmt::format("{} [{}] ({})", reduced.path, fmt::join(reduced.dims, " x "), reduced.what);
}

}  // namespace

std::string text_report(const RunSummary& summary) {
  const auto& options = *summary.options;
  const auto& workload = *options.workload;
  const auto& request = summary.plan->request();
  const auto traits = workload.traits();
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += fmt::format("  {:<9} {}\n", name, printable(value));
  };
  text += fmt::format("paceline {}: {}\n", options.name, layout(request, *summary.parts));
  line("result", dims_text(workload.shape()));
  line("cores", fmt::format("{} on {}, {} bound per rank", summary.cores_used, plural(summary.nodes, "node"),
                            range(column(summary, &RankRow::bound_cores))));
  line("kernel", traits.kernel);
  if (summary.parts->inputs != nullptr) line("inputs", inputs_text(summary));
  line("schedule", fmt::format("{}, chunks of {}, {}, gather {}", to_string(request.schedule),
                               plural(summary.plan->chunk_items(), "item"), plural(summary.plan->bands(), "band"),
                               to_string(request.gather)));
  if (summary.resumed_items > 0) {
    line("resumed", fmt::format("{} of {} items were there already, {} computed now", summary.resumed_items,
                                request.items, summary.computed_items));
  }
  if (summary.retried_items > 0) line("retried", plural(summary.retried_items, "item") + " that had failed before");
  const auto threads = static_cast<std::int64_t>(request.ranks) * request.threads;
  if (threads > summary.cores_used && summary.parts->waiting == nullptr) {
    line("note", fmt::format("{} share {}: oversubscribed, times say little", plural(threads, "thread"),
                             plural(summary.cores_used, "core")));
  } else if (sum(column(summary, &RankRow::bound_cores)) > summary.cores_used && summary.parts->waiting == nullptr) {
    const auto binding = options_that_bind(launched(), request.threads);
    line("note", fmt::format("ranks are not bound and share {}{}", plural(summary.cores_used, "core"),
                             binding.empty() ? "" : fmt::format("; {} binds them", binding)));
  }
  text += "  phase     slowest rank [s]\n";
  for (const auto& [name, seconds] : phases) {
    auto value = fmt::format("{:.4f}", largest(column(summary, seconds)));
    if (name == "scatter" && summary.parts->inputs != nullptr) value += scatter_text(summary);
    if (name == "compute") {
      value += fmt::format("   slowest/mean {:.3f}, in executed work {:.3f}", imbalance(column(summary, seconds)),
                           imbalance(column(summary, &RankRow::work_executed)));
    }
    if (name == "write" && !options.output.empty() && summary.computed_items > 0) {
      const auto write_s = largest(column(summary, seconds));
      const auto speed = write_s > 0 ? fmt::format(" at {}/s", human_bytes(computed_bytes(summary) / write_s)) : "";
      value += fmt::format("   {}{} to {}", human_bytes(computed_bytes(summary)), speed, options.output.string());
    }
    line(std::string(name), value);
  }
  if (summary.efficiency && threads > 1 && summary.computed_items > 0) {
    const auto& e = *summary.efficiency;
    line("parallel",
         fmt::format(
             "{:.1f} % of the compute phase: ranks {:.1f} % (balance {:.1f} %), threads {:.1f} % (balance {:.1f} %)",
             100 * e.parallel, 100 * e.mpi.efficiency, 100 * e.mpi.load_balance, 100 * e.openmp.efficiency,
             100 * e.openmp.load_balance));
  }
  if (summary.serial_part_s >= 1e-4) line("serial", fmt::format("{:.4f}   the workload's own", summary.serial_part_s));
  if (summary.picture_s > 0) line("picture", fmt::format("{:.4f}", summary.picture_s));
  line("wall", fmt::format("{:.4f}   {:.4f} of it one rank alone", summary.wall_s, summary.serial_s));
  if (summary.parts->waiting != nullptr) {
    line("waited", fmt::format("{:.4f} by {} in all, as one alone would; {:.2f} times the wall time", waited_s(summary),
                               plural(summary.workers, "worker"), waited_s(summary) / summary.wall_s));
  }
  if (summary.failures.count > 0) {
    line("failed", fmt::format("{} of {}", summary.failures.count, plural(request.items, "item")));
  }
  const auto& rate_unit = traits.rate_unit;
  const auto& item_unit = traits.item_rate_unit;
  auto rates = fmt::format("{:.3f} {}", rate(sum(column(summary, &RankRow::work_useful)), rate_unit, work_s(summary)),
                           rate_unit.name);
  if (!item_unit.name.empty()) {
    rates += fmt::format(", {:.1f} {}", rate(static_cast<double>(summary.computed_items), item_unit, work_s(summary)),
                         item_unit.name);
  }
  const auto useful = sum(column(summary, &RankRow::work_useful));
  const auto executed = sum(column(summary, &RankRow::work_executed));
  if (useful > 0 && useful != executed)
    rates += fmt::format("; executed {:.3g} % of what was counted", 100 * executed / useful);
  line("rate", rates);
  if (summary.rate_alone > 0) line("memory", memory_text(summary));
  if (summary.reduced) line("value", reduced_text(*summary.reduced));
  text += fmt::format("digest: {}\n", summary.digest);
  return text;
}

std::string plan_report(const RunOptions& options, const Parts& parts, const Plan& plan,
                        const std::vector<int>& bound_cores) {
  const auto& request = plan.request();
  const auto& shape = options.workload->shape();
  auto text = fmt::format("plan of {}: {}\n", options.name, layout(request, parts));
  text += fmt::format("  result    {}\n", printable(dims_text(shape)));
  text += fmt::format("  schedule  {}, {} in chunks of {}, {}, gather {}\n", to_string(request.schedule),
                      plural(request.items, "item"), plan.chunk_items(), plural(plan.bands(), "band"),
                      to_string(request.gather));
  text += fmt::format("  memory    at most {} of the result per rank (limit {})\n",
                      human_bytes(static_cast<double>(plan.held_bytes())),
                      human_bytes(static_cast<double>(request.memory_limit)));
  if (plan.feeding() != Feeding::none) {
    text += fmt::format("  inputs    {}, at most {} of them per rank\n", to_string(plan.feeding()),
                        human_bytes(static_cast<double>(plan.held_input_bytes())));
  }
  for (int rank = 0; rank < request.ranks; ++rank) {
    const auto cores = plural(bound_cores[static_cast<std::size_t>(rank)], "bound core");
    std::string items = "claims chunks while there are any";
    if (request.schedule == Schedule::cyclic) {
      items =
          fmt::format("{}: numbers {}, {}, ...", plural(plan.own_chunks(rank), "chunk"), rank, rank + request.ranks);
    } else if (plan.owns_slabs()) {
      const auto own = plan.own_slab(rank);
      items = own.empty() ? "no items"
                          : fmt::format("items {} to {}: {}, {}", own.begin, own.end - 1, plural(own.size(), "item"),
                                        human_bytes(static_cast<double>(shape.bytes_in(own))));
    }
    text += fmt::format("  rank {:<4} {} ({})\n", rank, items, cores);
  }
  return text;
}

}  // namespace paceline
