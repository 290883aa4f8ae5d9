#include "study/advise/fit_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/text.hpp"
#include "storage/output_path.hpp"

namespace paceline {
namespace {

void line(std::string& text, std::string_view name, const std::string& value) {
  text += fmt::format("  {:<9} {}\n", name, value);
}

std::string ends(const Interval& interval, const char* unknown) {
  if (std::isnan(interval.low)) return unknown;
  return fmt::format("{:.4g} to {:.4g}", interval.low, interval.high);
}

std::string with_ends(const Interval& interval) {
  return std::isnan(interval.low)
             ? fmt::format("{:.4g}", interval.value)
             : fmt::format("{:.4g} ({:.4g} to {:.4g})", interval.value, interval.low, interval.high);
}

void say_runs(std::string& text, const Times& times) {
  std::size_t runs = 0;
  for (const auto* layout : times.used()) runs += layout->runs.size();
  auto value = fmt::format("{} of {} count", plural(runs, "run"), plural(times.used().size(), "layout"));
  const auto add = [&](int count, const char* what) {
    if (count > 0) value += fmt::format(", {} {}", count, what);
  };
  add(times.warmups, times.warmups == 1 ? "warm-up" : "warm-ups");
  add(times.failed, "without a time");
  add(times.unbound, "with threads that share a core");
  line(text, "runs", value);
}

void say_noise(std::string& text, const Times& times) {
  if (!times.has_noise()) {
    line(text, "noise", "unknown: nothing was repeated");
    return;
  }
  auto value = fmt::format("{:.2g} % a run", 100 * times.noise);
  if (times.blocks_p < 0.05) {
    value += fmt::format(", and {:.2g} % from round to round for all layouts alike", 100 * times.block_sd);
  }
  line(text, "noise", value);
  const auto& drift = times.drift;
  line(text, "drift",
       drift.p_value < 0.05
           ? fmt::format("times changed by {:+.1f} % from the first run to the last (p = {:.2g}); layouts were {}",
                         100 * drift.change, drift.p_value, "interleaved, so they are still comparable")
           : fmt::format("none seen (p = {:.2g})", drift.p_value));
  constexpr std::size_t most_named = 5;
  for (std::size_t i = 0; i < std::min(most_named, times.outliers.size()); ++i) {
    const auto& outlier = times.outliers[i];
    line(text, i == 0 ? "outliers" : "",
         fmt::format("{}, repeat {}: {:.3g} times its layout's usual time; kept, with weight {:.1f}",
                     name_of(outlier.layout), outlier.repeat, outlier.ratio, outlier.weight));
  }
  if (times.outliers.size() > most_named) line(text, "", plural(times.outliers.size() - most_named, "more outlier"));
}

void say_layouts(std::string& text, const Analysis& analysis, ScalingMode mode) {
  const bool with_memory = std::any_of(analysis.layouts.begin(), analysis.layouts.end(),
                                       [](const LayoutRow& row) { return row.max_rss_bytes >= 0; });
  const auto bytes = [](std::int64_t value) {
    return value >= 0 ? human_bytes(static_cast<double>(value)) : std::string("unknown");
  };
  text += fmt::format("  {:<22} {:>10}  {:<22} {:>8}  {:>10}{}\n", "ranks x threads", "median [s]", "95 % interval",
                      mode == ScalingMode::weak ? "scaled" : "speed-up", "efficiency",
                      with_memory ? "   mem/rank    mem all" : "");
  for (const auto& row : analysis.layouts) {
    const auto name = name_of(row.layout);
    if (!row.why_not.empty()) {
      const auto median = std::isnan(row.time.value) ? std::string("-") : fmt::format("{:.4g}", row.time.value);
      text += fmt::format("  {:<22} {:>10}  not used: {}\n", name, median, row.why_not);
      continue;
    }
    text += fmt::format(
        "  {:<22} {:>10.4g}  {:<22} {:>8.2f}  {:>8.0f} %{}\n", name, row.time.value, ends(row.time, "unknown"),
        row.speedup, 100 * row.efficiency,
        with_memory ? fmt::format("  {:>9}  {:>9}", bytes(row.max_rss_bytes), bytes(row.sum_rss_bytes)) : "");
  }
}

void say_models(std::string& text, const Analysis& analysis) {
  text += fmt::format("  {:<10} {:<17} {:>10}  {:<24} {:>7}\n", "law", "parameter", "value", "95 % interval", "AICc");
  for (const auto& fit : analysis.fits) {
    for (std::size_t k = 0; k < fit.parameters.size(); ++k) {
      const bool is_first = k == 0;
      const auto aicc = std::isnan(fit.aicc) ? std::string("-") : fmt::format("{:.1f}", fit.aicc);
      text += fmt::format("  {:<10} {:<17} {:>10.4g}  {:<24} {:>7}\n", is_first ? fit.model->name : "",
                          fit.model->parameters[k].name, fit.parameters[k].value, ends(fit.parameters[k], "unknown"),
                          is_first ? aicc : "");
    }
  }
  for (const auto& [name, why] : analysis.not_fitted) text += fmt::format("  {:<10} not fitted: {}\n", name, why);
}

void say_serial(std::string& text, const Analysis& analysis) {
  std::string value;
  if (const auto* chosen = analysis.chosen(); chosen != nullptr) {
    const auto& name = chosen->model->parameters.front().name;
    auto fraction = chosen->parameters.front();
    if (name == "process_fraction") {
      fraction = {1 - fraction.value, 1 - fraction.high, 1 - fraction.low};
    }
    if (name != "contention") value = fmt::format("fitted fraction {}", with_ends(fraction));
  }
  if (analysis.serial_measured) {
    value +=
        fmt::format("{}measured from the phases {}", value.empty() ? "" : ", ", with_ends(*analysis.serial_measured));
  }
  if (!value.empty()) line(text, "serial", value);
}

void say_consequences(std::string& text, const Analysis& analysis) {
  const auto& follows = analysis.consequences;
  const auto* chosen = analysis.chosen();
  const auto number = [](double value) { return std::isinf(value) ? "no limit" : fmt::format("{:.4g}", value); };
  const auto with_limits = [&](const Interval& interval) {
    return std::isnan(interval.low)
               ? number(interval.value)
               : fmt::format("{} ({} to {})", number(interval.value), number(interval.low), number(interval.high));
  };
  if (chosen != nullptr && chosen->model->name == "amdahl" && follows.amdahl_limit) {
    line(text, "limit", fmt::format("speed-up on any number of cores: {}", with_limits(*follows.amdahl_limit)));
  }
  if (chosen != nullptr && chosen->model->name == "usl" && follows.usl_peak_cores) {
    line(text, "peak",
         fmt::format("on {} cores, speed-up {}", with_limits(*follows.usl_peak_cores),
                     with_limits(*follows.usl_peak_speedup)));
  }
  if (!follows.at_threshold) return;
  auto value = fmt::format("up to {} measured", name_of(*follows.at_threshold));
  if (follows.cores_by_law) value += fmt::format(", up to {} cores by the law", *follows.cores_by_law);
  line(text, fmt::format(">= {:g} %", 100 * follows.threshold), "efficiency " + value);
}

void say_loss(std::string& text, const Analysis& analysis) {
  if (!analysis.loss) return;
  const auto& loss = *analysis.loss;
  if (loss.lost_core_s <= 0 || loss.shares.empty()) {
    line(text, "loss", fmt::format("none at {}", name_of(loss.layout)));
    return;
  }
  auto shares = loss.shares;
  std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string parts;
  for (const auto& [name, share] : shares) {
    if (share < 0.005) continue;
    auto words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    // What is seen is that the same work takes more core-seconds.
    if (name == "memory_bandwidth") words += " or slower cores";
    parts += fmt::format("{}{} {:.0f} %", parts.empty() ? "" : ", ", words, 100 * share);
  }
  constexpr const char* sources[] = {"from the phases", "by the fitted law: the program tells no phases",
                                     "the program tells no phases and no law is believed"};
  line(text, "loss",
       fmt::format("{:.3g} core-seconds at {}: {} ({})", loss.lost_core_s, name_of(loss.layout), parts,
                   sources[static_cast<int>(loss.source)]));
}

/// Where each layout's cores went, and what fell since the one with the fewest.
void say_efficiencies(std::string& text, const Analysis& analysis) {
  if (analysis.efficiencies.empty()) return;
  const auto percent = [](double value) {
    return std::isnan(value) ? std::string("-") : fmt::format("{:.1f}", 100 * value);
  };
  text += fmt::format("  {:<22} {:>8}  {:>18}  {:>27}  {:>8}\n  {:<22} {:>8}  {:>8} {:>9}  {:>8} {:>8} {:>9}  {:>8}\n",
                      "measured, in %", "parallel", "between ranks", "between threads", "", "", "", "balance",
                      "transfer", "serial", "balance", "schedule", "work");
  for (const auto& layout : analysis.efficiencies) {
    const auto& row = layout.row;
    if (layout.runs == 0) {
      text += fmt::format("  {:<22} not measured: {}\n", name_of(row.layout), row.why_not);
      continue;
    }
    text += fmt::format("  {:<22} {:>8}  {:>8} {:>9}  {:>8} {:>8} {:>9}  {:>8}\n", name_of(row.layout),
                        percent(row.parallel), percent(row.mpi_load_balance), percent(row.mpi_communication),
                        percent(row.openmp_serial), percent(row.openmp_load_balance), percent(row.openmp_scheduling),
                        percent(layout.computation));
  }
  for (const auto& layout : analysis.efficiencies) {
    if (layout.fell_most.empty() || layout.fell_to > 0.98 * layout.fell_from) continue;
    line(text, "lost",
         fmt::format("{}: most by {}, which fell from {} to {} %", name_of(layout.row.layout), layout.fell_most,
                     percent(layout.fell_from), percent(layout.fell_to)));
  }
  for (const auto& layout : analysis.efficiencies) {
    const auto row = std::find_if(analysis.layouts.begin(), analysis.layouts.end(),
                                  [&](const LayoutRow& other) { return other.layout == layout.row.layout; });
    if (row == analysis.layouts.end() || std::isnan(row->time.low)) continue;
    if (layout.probed_wall_s < row->time.low || layout.probed_wall_s > row->time.high) {
      line(text, "probe",
           fmt::format("{} took {:.4g} s under the probe, outside of its interval: the factors may be off",
                       name_of(row->layout), layout.probed_wall_s));
    }
  }
  text += "\n";
}

}  // namespace

std::string text_report(const Analysis& analysis, const Study& study, const std::string& name) {
  auto text = fmt::format("paceline fit: {}\n", name);
  line(text, "command", study.info.command);
  for (const auto& [key, value] : study.info.machine) {
    if ((key == "machine" || key == "date") && !value.empty()) line(text, key, value);
  }
  line(text, "scaling", study.info.mode == ScalingMode::weak ? "weak: the work grows as the cores do" : "strong");
  for (const auto& [key, value] : study.info.machine) {
    if (key != "binding" || value.find("trust") == std::string::npos) continue;
    line(text, "binding", "not checked: whoever made this study vouches for it (--binding trust)");
  }
  say_runs(text, analysis.times);
  say_noise(text, analysis.times);
  text += "\n";
  say_layouts(text, analysis, study.info.mode);
  text += "\n";
  say_models(text, analysis);
  text += "\n";
  say_efficiencies(text, analysis);
  const auto* chosen = analysis.chosen();
  line(text, "law",
       fmt::format("{}: {}", chosen != nullptr ? chosen->model->name : "not resolved", analysis.choice.why));
  if (chosen != nullptr) line(text, "", std::string(chosen->model->formula));
  say_serial(text, analysis);
  say_consequences(text, analysis);
  say_loss(text, analysis);
  if (analysis.at) {
    line(text, "at",
         analysis.prediction ? fmt::format("{}: {} s", name_of(*analysis.at), with_ends(*analysis.prediction))
                             : fmt::format("{}: no prediction, because no law is resolved", name_of(*analysis.at)));
  }
  const auto advice = sentences(analysis.recommendation);
  for (std::size_t i = 0; i < advice.size(); ++i) line(text, i == 0 ? "advice" : "", advice[i]);
  for (std::size_t i = 0; i < analysis.suggested.size(); ++i) {
    const auto& suggestion = analysis.suggested[i];
    line(text, i == 0 ? "next" : "",
         fmt::format("{}{}, {:.2g} core-hours", i == 0 ? "to resolve it, measure " : "or ", name_of(suggestion.layout),
                     suggestion.core_hours));
  }
  return text;
}

}  // namespace paceline
