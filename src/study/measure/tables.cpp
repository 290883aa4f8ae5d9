#include "study/measure/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "host/text.hpp"
#include "study/median.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

/// Median time of the layout's runs, else of the slowest layout that is known.
std::optional<double> known_time(const Layout& layout, const Study& known) {
  if (const auto times = times_of(layout, known.samples); !times.empty()) return median_interval(times).median;
  std::optional<double> slowest;
  for (const auto& sample : known.samples) {
    if (sample.status == SampleStatus::ok) slowest = std::max(slowest.value_or(0), sample.wall_s);
  }
  return slowest;
}

std::string duration(double hours) {
  if (hours < 1.0 / 60) return fmt::format("{:.2g} s", hours * 3600);
  return hours < 1 ? fmt::format("{:.2g} min", hours * 60) : fmt::format("{:.3g} h", hours);
}

std::string estimate(const StudyOptions& options, const Setup& setup, const std::optional<Study>& known) {
  const auto runs = static_cast<double>(options.warmup + options.repeats + options.profile);
  double core_hours = 0;
  double hours = 0;
  bool is_known = known.has_value();
  for (const auto& layout : setup.sweep.layouts) {
    const auto time_s = known ? known_time(layout, *known) : std::nullopt;
    is_known = is_known && time_s;
    hours += runs * time_s.value_or(options.timeout_s) / 3600;
    core_hours += runs * time_s.value_or(options.timeout_s) / 3600 * layout.cores();
  }
  const auto basis = is_known ? fmt::format("from the times in {}", options.output.string())
                              : fmt::format("if every run took the time-out of {:g} s", options.timeout_s);
  return fmt::format("{}{:.3g} core-hours in {} ({})", is_known ? "" : "at most ", core_hours, duration(hours), basis);
}

std::string interval_text(const MedianInterval& interval) {
  if (!interval.is_bounded()) return fmt::format("{:>19}", "too few runs");
  return fmt::format("{:>8.4f} ..{:>8.4f}", interval.low, interval.high);
}

/// What a reader should know of a layout's samples beside its median.
std::string remarks(const Layout& layout, const std::vector<Sample>& samples) {
  int failed = 0, timed_out = 0, no_time = 0;
  bool bound_ok = true;
  for (const auto& sample : samples) {
    if (sample.layout != layout) continue;
    failed += sample.status == SampleStatus::failed ? 1 : 0;
    timed_out += sample.status == SampleStatus::timed_out ? 1 : 0;
    no_time += sample.status == SampleStatus::no_time ? 1 : 0;
    bound_ok = bound_ok && sample.bound_ok;
  }
  std::string text;
  const auto add = [&](const std::string& remark) { text += (text.empty() ? "   " : ", ") + remark; };
  if (failed > 0) add(fmt::format("{} failed", failed));
  if (timed_out > 0) add(fmt::format("{} timed out", timed_out));
  if (no_time > 0) add(fmt::format("{} without a time", no_time));
  if (!bound_ok) add("threads share cores");
  return text;
}

}  // namespace

std::string plan_text(const StudyOptions& options, const Setup& setup, const std::optional<Study>& known) {
  const auto& layouts = setup.sweep.layouts;
  auto text = fmt::format("plan of a study: {}, {}\n", joined(options.command),
                          options.mode == ScalingMode::weak ? "weak" : "strong");
  const auto& version = setup.launcher.version;
  text += fmt::format("  launcher   {}\n", version.empty() ? setup.launcher.name : version);
  text += fmt::format("  cores      {} a node of {}\n", setup.resources.cores_per_node, setup.resources.where);
  const auto runs = layouts.size() * static_cast<std::size_t>(options.warmup + options.repeats);
  text += fmt::format("  runs       {}: {}, {} and {} each", runs, plural(layouts.size(), "layout"),
                      plural(options.warmup, "warm-up"), plural(options.repeats, "repeat"));
  if (options.until_ci) {
    text += fmt::format(", then more until each median is known to {:g} %", *options.until_ci * 100);
  }
  if (options.profile > 0) text += fmt::format(", then {} each under the probe", options.profile);
  text += fmt::format("\n  estimate   {}\n", estimate(options, setup, known));
  for (const auto& layout : layouts) {
    text += fmt::format("  {}{}\n    ", to_string(layout),
                        setup.sharing(layout) == Sharing::oversubscribed ? ", threads share cores" : "");
    for (const auto& [name, value] : setup.environment(layout)) text += fmt::format("{}={} ", name, quoted(value));
    text += joined(setup.line(layout)) + "\n";
  }
  for (const auto& [layout, reason] : setup.infeasible) {
    text += fmt::format("  {}   left out: {}\n", to_string(layout), reason);
  }
  return text;
}

std::string result_text(const Study& study, const std::filesystem::path& path) {
  std::set<Layout> layouts;
  bool has_nodes = false;
  for (const auto& sample : study.samples) layouts.insert(sample.layout);
  for (const auto& layout : layouts) has_nodes = has_nodes || layout.nodes > 1;
  auto text = fmt::format("paceline study: {} ({} scaling)\n", study.info.command,
                          study.info.mode == ScalingMode::weak ? "weak" : "strong");
  text += fmt::format("  ranks  threads{}   runs  median [s]   95 % interval [s]\n", has_nodes ? "  nodes" : "");
  for (const auto& layout : layouts) {
    const auto times = times_of(layout, study.samples);
    const auto interval = median_interval(times);
    text += fmt::format("  {:>5}  {:>7}{}  {:>5}  {}{}\n", layout.ranks, layout.threads,
                        has_nodes ? fmt::format("  {:>5}", layout.nodes) : "", times.size(),
                        times.empty() ? fmt::format("{:>10}", "-")
                                      : fmt::format("{:>10.4f} {}", interval.median, interval_text(interval)),
                        remarks(layout, study.samples));
  }
  for (const auto& [layout, reason] : study.left_out) {
    text += fmt::format("  left out: {} ({})\n", to_string(layout), reason);
  }
  text += fmt::format("`paceline fit {}` says what that means\n", path.string());
  return text;
}

}  // namespace paceline
