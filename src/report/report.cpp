#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "host/launch.hpp"
#include "host/say.hpp"
#include "host/text.hpp"
#include "storage/output_path.hpp"

namespace paceline {
namespace {

template <class T>
std::vector<double> column(const RunSummary& summary, T RankRow::*field) {
  std::vector<double> values;
  for (const auto& row : summary.tables.ranks) values.push_back(static_cast<double>(row.*field));
  return values;
}

double largest(const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); }

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

double rate(double amount, const RateUnit& unit, double seconds) {
  return seconds > 0 ? amount / unit.per / seconds : 0.0;
}

double compute_s(const RunSummary& summary) { return largest(column(summary, &RankRow::compute_s)); }

/// Of the work that rates tell: where a file is looked at before, most is done then.
double work_s(const RunSummary& summary) {
  const bool is_scanned = summary.parts->scanned_file != nullptr && summary.parts->inputs == nullptr;
  return compute_s(summary) + (is_scanned ? largest(column(summary, &RankRow::plan_s)) : 0);
}

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

/// What all workers together have waited: as long as one alone would have taken.
double waited_s(const RunSummary& summary) {
  double sum_s = 0;
  for (const double busy_s : summary.tables.busy_s) sum_s += std::isnan(busy_s) ? 0 : busy_s;
  return sum_s;
}

/// Threads that have a core of their own, at the most.
double workers(const RunSummary& summary) {
  const auto& request = summary.plan->request();
  return std::min(static_cast<double>(request.ranks) * request.threads, static_cast<double>(summary.cores_used));
}

double rate_together(const RunSummary& summary) {
  const auto seconds = compute_s(summary);
  return seconds > 0 ? sum(column(summary, &RankRow::work_useful)) / seconds : 0;
}

/// More than one core was at work, and all together did less than this share of what each does alone.
bool memory_is_the_limit(const RunSummary& summary) {
  constexpr double shared = 0.8;
  return rate_together(summary) < shared * workers(summary) * summary.rate_alone;
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

double imbalance(const std::vector<double>& values) {
  const auto average = mean(values);
  return average > 0 ? largest(values) / average : 1.0;
}

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

std::string json_report(const RunSummary& summary) {
  const auto& options = *summary.options;
  const auto& workload = *options.workload;
  const auto& request = summary.plan->request();
  const auto traits = workload.traits();
  nlohmann::ordered_json json;
  json["workload"] = options.name;
  json["version"] = PACELINE_VERSION;
  json["command"] = options.command;
  json["ranks"] = request.ranks;
  json["threads"] = summary.parts->waiting != nullptr ? summary.tables.ranks.front().threads : request.threads;
  json["nodes"] = summary.nodes;
  json["cores"] = summary.cores_used;
  json["items"] = request.items;
  json["resumed_items"] = summary.resumed_items;
  json["schedule"] = to_string(request.schedule);
  json["gather"] = to_string(request.gather);
  json["chunk"] = summary.plan->chunk_items();
  json["bands"] = summary.plan->bands();
  json["kernel"] = traits.kernel;
  json["digest"] = summary.digest;
  json["wall_s"] = summary.wall_s;
  for (const auto& [name, seconds] : phases) json["phases"][std::string(name)] = largest(column(summary, seconds));
  json["picture_s"] = summary.picture_s;
  if (summary.parts->inputs != nullptr) {
    auto& json_inputs = json["inputs"];
    json_inputs["feeding"] = to_string(summary.plan->feeding());
    json_inputs["memory"] = summary.parts->inputs->input_memory() == InputMemory::per_node ? "shared" : "private";
    json_inputs["bytes"] =
        std::ssize(summary.parts->inputs->inputs()) * summary.parts->inputs->elements() * std::int64_t{sizeof(double)};
    json_inputs["allocate_s"] = largest(column(summary, &RankRow::allocate_s));
    json_inputs["fill_s"] = largest(column(summary, &RankRow::fill_s));
    json_inputs["copy_s"] = largest(column(summary, &RankRow::copy_s));
  }
  json["digest_s"] = largest(column(summary, &RankRow::digest_s));
  json["compute_mean_s"] = mean(column(summary, &RankRow::compute_s));
  json["imbalance"] = imbalance(column(summary, &RankRow::compute_s));
  json["imbalance_work"] = imbalance(column(summary, &RankRow::work_executed));
  if (summary.efficiency) {
    const auto& e = *summary.efficiency;
    json["efficiency"] = {{"parallel_efficiency", e.parallel},
                          {"mpi",
                           {{"efficiency", e.mpi.efficiency},
                            {"load_balance", e.mpi.load_balance},
                            {"communication", e.mpi.communication}}},
                          {"openmp",
                           {{"efficiency", e.openmp.efficiency},
                            {"load_balance", e.openmp.load_balance},
                            {"scheduling", e.openmp.scheduling}}}};
  }
  json["serial_part_s"] = summary.serial_part_s;
  json["serial_s"] = summary.serial_s;
  const auto useful = sum(column(summary, &RankRow::work_useful));
  json["rate"] = rate(useful, traits.rate_unit, work_s(summary));
  json["rate_unit"] = traits.rate_unit.name;
  if (const auto& unit = traits.item_rate_unit; !unit.name.empty()) {
    json["item_rate"] = rate(static_cast<double>(summary.computed_items), unit, work_s(summary));
    json["item_rate_unit"] = unit.name;
  }
  json["work_useful"] = static_cast<std::uint64_t>(useful);
  json["work_executed"] = column(summary, &RankRow::work_executed);
  for (const auto& row : summary.tables.ranks) json["bound_cores"].push_back(row.bound_cores);
  for (std::size_t r = 0; r < summary.tables.ranks.size(); ++r) {
    const auto width = summary.tables.threads;
    const auto* first = summary.tables.busy_s.data() + static_cast<std::int64_t>(r) * width;
    json["thread_busy_s"].push_back(std::vector<double>(first, first + width));
  }
  if (summary.rate_alone > 0) {
    json["rate_alone"] = summary.rate_alone / traits.rate_unit.per;
    json["memory_is_the_limit"] = workers(summary) >= 2 && memory_is_the_limit(summary);
  }
  if (summary.parts->waiting != nullptr) {
    json["workers"] = summary.workers;
    json["waited_s"] = waited_s(summary);
    json["waited_over_wall"] = waited_s(summary) / summary.wall_s;
  }
  if (summary.parts->retries != nullptr) {
    json["failed_items"] = summary.failures.count;
    json["retried_items"] = summary.retried_items;
  }
  if (summary.reduced) {
    const auto& reduced = *summary.reduced;
    if (reduced.dims.empty()) {
      json["value"] = reduced.values.front();
    } else {
      json["value"] = reduced.values;
    }
    json["value_what"] = reduced.what;
  }
  json["bytes"] = workload.shape().variable ? summary.computed_bytes
                                            : static_cast<std::int64_t>(workload.shape().bytes_in({0, request.items}));
  json["io_mode"] = summary.io_mode;
  json["output"] = options.output.string();
  // A path may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
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
    } else if (request.schedule != Schedule::dynamic) {
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
