#include "report/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "storage/output_path.hpp"

namespace paceline {
namespace {

struct Phase {
  const char* name;
  double RankRow::*seconds;
};
constexpr Phase phases[] = {{"init", &RankRow::init_s},       {"plan", &RankRow::plan_s},
                            {"scatter", &RankRow::scatter_s}, {"compute", &RankRow::compute_s},
                            {"gather", &RankRow::gather_s},   {"write", &RankRow::write_s}};

template <class T>
std::vector<double> column(const Record& record, T RankRow::*field) {
  std::vector<double> values;
  for (const auto& row : record.tables.ranks) values.push_back(static_cast<double>(row.*field));
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

double compute_s(const Record& record) { return largest(column(record, &RankRow::compute_s)); }

/// Of the work that rates tell: where a file is looked at before, most is done then.
double work_s(const Record& record) {
  const auto& workload = *record.options->workload;
  const bool has_survey = !workload.source().empty() && workload.inputs().empty();
  return compute_s(record) + (has_survey ? largest(column(record, &RankRow::plan_s)) : 0);
}

double computed_bytes(const Record& record) { return static_cast<double>(record.computed_bytes); }

/// "2" when all ranks have it, else "1 to 2".
std::string range(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *low == *high ? fmt::format("{:.0f}", *low) : fmt::format("{:.0f} to {:.0f}", *low, *high);
}

std::string plural(std::int64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string layout(const PlanRequest& request, const Workload& workload) {
  return fmt::format("{} x {}", plural(request.ranks, "rank"),
                     plural(request.threads, workload.is_waiting() ? "worker" : "thread"));
}

/// What all workers together have waited: as long as one alone would have taken.
double waited_s(const Record& record) {
  double sum_s = 0;
  for (const double busy_s : record.tables.busy_s) sum_s += std::isnan(busy_s) ? 0 : busy_s;
  return sum_s;
}

/// Threads that have a core of their own, at the most.
double workers(const Record& record) {
  const auto& request = record.plan->request();
  return std::min(static_cast<double>(request.ranks) * request.threads, static_cast<double>(record.cores_used));
}

double rate_together(const Record& record) {
  const auto seconds = compute_s(record);
  return seconds > 0 ? sum(column(record, &RankRow::work_useful)) / seconds : 0;
}

/// More than one core was at work, and all together did less than this share of what each does alone.
bool memory_is_the_limit(const Record& record) {
  constexpr double shared = 0.8;
  return rate_together(record) < shared * workers(record) * record.rate_alone;
}

std::string memory_text(const Record& record) {
  const auto unit = record.options->workload->rate_unit();
  const auto together = rate_together(record);
  const auto alone = fmt::format("{:.1f} {} by one core alone", record.rate_alone / unit.per, unit.name);
  if (workers(record) < 2) return alone;
  return fmt::format("{}, {:.1f} together: {:.2f} x on {:.0f} cores, the {} the limit", alone, together / unit.per,
                     together / record.rate_alone, workers(record),
                     memory_is_the_limit(record) ? "memory is" : "cores are");
}

/// "make", or "made" with `past`: how the inputs come to be.
std::string feeding_verb(const Workload& workload, bool past) {
  if (!workload.inputs().front().is_made()) return "read";
  return workload.source().empty() ? (past ? "made" : "make") : (past ? "parsed" : "parse");
}

std::string inputs_text(const Record& record) {
  const auto& workload = *record.options->workload;
  const auto& inputs = workload.inputs();
  const auto feeding = record.plan->feeding();
  const auto each = static_cast<double>(workload.elements()) * sizeof(double);
  auto text = fmt::format("{} of {} {}", inputs.size(), human_bytes(each), feeding_verb(workload, true));
  if (feeding == Feeding::made) return text + " as they are needed, in the cache: they exceed --memory-limit";
  text += workload.input_memory() == InputMemory::per_node ? ", shared by a node's ranks" : ", private to each rank";
  return feeding == Feeding::streamed ? text + ", band by band: they exceed --memory-limit" : text;
}

std::string scatter_text(const Record& record) {
  const auto copy_s = largest(column(record, &RankRow::copy_s));
  return fmt::format("   allocate {:.4f}, {} {:.4f}, copy {:.4f}", largest(column(record, &RankRow::allocate_s)),
                     feeding_verb(*record.options->workload, false), largest(column(record, &RankRow::fill_s)), copy_s);
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
  return fmt::format("{} ({} x {} bytes, {})", shape.path, fmt::join(shape.dims, " x "), bytes_of(shape.type),
                     human_bytes(static_cast<double>(shape.bytes_in({0, shape.items()}))));
}

}  // namespace

double imbalance(const std::vector<double>& values) {
  const auto average = mean(values);
  return average > 0 ? largest(values) / average : 1.0;
}

std::string text_report(const Record& record) {
  const auto& options = *record.options;
  const auto& workload = *options.workload;
  const auto& request = record.plan->request();
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += fmt::format("  {:<9} {}\n", name, value);
  };
  text += fmt::format("paceline {}: {}\n", options.name, layout(request, workload));
  line("result", dims_text(workload.shape()));
  line("cores", fmt::format("{} on {}, {} bound a rank", record.cores_used, plural(record.nodes, "node"),
                            range(column(record, &RankRow::bound_cores))));
  line("kernel", workload.kernel_name());
  if (!workload.inputs().empty()) line("inputs", inputs_text(record));
  line("schedule", fmt::format("{}, chunks of {}, {}, gather {}", to_string(request.schedule),
                               plural(record.plan->chunk_items(), "item"), plural(record.plan->bands(), "band"),
                               to_string(request.gather)));
  if (record.resumed_items > 0) {
    line("resumed", fmt::format("{} of {} items were there already, {} computed now", record.resumed_items,
                                request.items, record.computed_items));
  }
  if (record.retried_items > 0) line("retried", plural(record.retried_items, "item") + " that had failed before");
  const auto threads = static_cast<std::int64_t>(request.ranks) * request.threads;
  if (threads > record.cores_used && !workload.is_waiting()) {
    line("note", fmt::format("{} share {}: oversubscribed, times say little", plural(threads, "thread"),
                             plural(record.cores_used, "core")));
  }
  text += "  phase     slowest rank [s]\n";
  for (const auto& [name, seconds] : phases) {
    auto value = fmt::format("{:.4f}", largest(column(record, seconds)));
    if (std::string_view(name) == "scatter" && !workload.inputs().empty()) value += scatter_text(record);
    if (std::string_view(name) == "compute") {
      value += fmt::format("   slowest/mean {:.3f}, in executed work {:.3f}", imbalance(column(record, seconds)),
                           imbalance(column(record, &RankRow::work_executed)));
    }
    if (std::string_view(name) == "write" && !options.output.empty() && record.computed_items > 0) {
      const auto write_s = largest(column(record, seconds));
      const auto speed = write_s > 0 ? fmt::format(" at {}/s", human_bytes(computed_bytes(record) / write_s)) : "";
      value += fmt::format("   {}{} to {}", human_bytes(computed_bytes(record)), speed, options.output.string());
    }
    line(name, value);
  }
  if (record.serial_part_s >= 1e-4) line("serial", fmt::format("{:.4f}   the workload's own", record.serial_part_s));
  if (record.picture_s > 0) line("picture", fmt::format("{:.4f}", record.picture_s));
  line("wall", fmt::format("{:.4f}   {:.4f} of it one rank alone", record.wall_s, record.serial_s));
  if (workload.is_waiting()) {
    line("waited", fmt::format("{:.4f} by {} in all, as one alone would; {:.2f} times the wall time", waited_s(record),
                               plural(record.workers, "worker"), waited_s(record) / record.wall_s));
  }
  if (record.failures.count > 0) {
    line("failed", fmt::format("{} of {}", record.failures.count, plural(request.items, "item")));
  }
  const auto rate_unit = workload.rate_unit();
  const auto item_unit = workload.item_rate_unit();
  auto rates = fmt::format("{:.3f} {}", rate(sum(column(record, &RankRow::work_useful)), rate_unit, work_s(record)),
                           rate_unit.name);
  if (!item_unit.name.empty()) {
    rates += fmt::format(", {:.1f} {}", rate(static_cast<double>(record.computed_items), item_unit, work_s(record)),
                         item_unit.name);
  }
  const auto useful = sum(column(record, &RankRow::work_useful));
  const auto executed = sum(column(record, &RankRow::work_executed));
  if (useful > 0 && useful != executed)
    rates += fmt::format("; executed {:.3g} % of what was counted", 100 * executed / useful);
  line("rate", rates);
  if (record.rate_alone > 0) line("memory", memory_text(record));
  if (record.value) line("value", fmt::format("{:.17g} ({})", record.value->value, record.value->what));
  text += fmt::format("digest: {}\n", record.digest);
  return text;
}

std::string json_report(const Record& record) {
  const auto& options = *record.options;
  const auto& workload = *options.workload;
  const auto& request = record.plan->request();
  nlohmann::ordered_json json;
  json["workload"] = options.name;
  json["version"] = PACELINE_VERSION;
  json["command"] = options.command;
  json["ranks"] = request.ranks;
  json["threads"] = workload.is_waiting() ? record.tables.ranks.front().threads : request.threads;
  json["nodes"] = record.nodes;
  json["cores"] = record.cores_used;
  json["items"] = request.items;
  json["resumed_items"] = record.resumed_items;
  json["schedule"] = to_string(request.schedule);
  json["gather"] = to_string(request.gather);
  json["chunk"] = record.plan->chunk_items();
  json["bands"] = record.plan->bands();
  json["kernel"] = workload.kernel_name();
  json["digest"] = record.digest;
  json["wall_s"] = record.wall_s;
  for (const auto& [name, seconds] : phases) json["phases"][name] = largest(column(record, seconds));
  json["picture_s"] = record.picture_s;
  if (!workload.inputs().empty()) {
    auto& json_inputs = json["inputs"];
    json_inputs["feeding"] = to_string(record.plan->feeding());
    json_inputs["memory"] = workload.input_memory() == InputMemory::per_node ? "shared" : "private";
    json_inputs["bytes"] = std::ssize(workload.inputs()) * workload.elements() * std::int64_t{sizeof(double)};
    json_inputs["allocate_s"] = largest(column(record, &RankRow::allocate_s));
    json_inputs["fill_s"] = largest(column(record, &RankRow::fill_s));
    json_inputs["copy_s"] = largest(column(record, &RankRow::copy_s));
  }
  json["digest_s"] = largest(column(record, &RankRow::digest_s));
  json["compute_mean_s"] = mean(column(record, &RankRow::compute_s));
  json["imbalance"] = imbalance(column(record, &RankRow::compute_s));
  json["imbalance_work"] = imbalance(column(record, &RankRow::work_executed));
  json["serial_part_s"] = record.serial_part_s;
  json["serial_s"] = record.serial_s;
  const auto useful = sum(column(record, &RankRow::work_useful));
  json["rate"] = rate(useful, workload.rate_unit(), work_s(record));
  json["rate_unit"] = workload.rate_unit().name;
  if (const auto unit = workload.item_rate_unit(); !unit.name.empty()) {
    json["item_rate"] = rate(static_cast<double>(record.computed_items), unit, work_s(record));
    json["item_rate_unit"] = unit.name;
  }
  json["work_useful"] = static_cast<std::uint64_t>(useful);
  json["work_executed"] = column(record, &RankRow::work_executed);
  for (const auto& row : record.tables.ranks) json["bound_cores"].push_back(row.bound_cores);
  for (std::size_t r = 0; r < record.tables.ranks.size(); ++r) {
    const auto width = record.tables.threads;
    const auto* first = record.tables.busy_s.data() + static_cast<std::int64_t>(r) * width;
    json["thread_busy_s"].push_back(std::vector<double>(first, first + width));
  }
  if (record.rate_alone > 0) {
    json["rate_alone"] = record.rate_alone / workload.rate_unit().per;
    json["memory_is_the_limit"] = workers(record) >= 2 && memory_is_the_limit(record);
  }
  if (workload.is_waiting()) {
    json["workers"] = record.workers;
    json["waited_s"] = waited_s(record);
    json["waited_over_wall"] = waited_s(record) / record.wall_s;
  }
  if (workload.has_failures()) {
    json["failed_items"] = record.failures.count;
    json["retried_items"] = record.retried_items;
  }
  if (record.value) {
    json["value"] = record.value->value;
    json["value_what"] = record.value->what;
  }
  json["bytes"] = workload.shape().is_variable()
                      ? record.computed_bytes
                      : static_cast<std::int64_t>(workload.shape().bytes_in({0, request.items}));
  json["io_mode"] = record.io_mode;
  json["output"] = options.output.string();
  // A path may hold bytes that are no UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string plan_report(const RunOptions& options, const Plan& plan, const std::vector<int>& bound_cores) {
  const auto& request = plan.request();
  const auto& shape = options.workload->shape();
  auto text = fmt::format("plan of {}: {}\n", options.name, layout(request, *options.workload));
  text += fmt::format("  result    {}\n", dims_text(shape));
  text += fmt::format("  schedule  {}, {} in chunks of {}, {}, gather {}\n", to_string(request.schedule),
                      plural(request.items, "item"), plan.chunk_items(), plural(plan.bands(), "band"),
                      to_string(request.gather));
  text += fmt::format("  memory    at most {} of the result a rank (limit {})\n",
                      human_bytes(static_cast<double>(plan.held_bytes())),
                      human_bytes(static_cast<double>(request.memory_limit)));
  if (plan.feeding() != Feeding::none) {
    text += fmt::format("  inputs    {}, at most {} of them a rank\n", to_string(plan.feeding()),
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
