#include "study/advise/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "study/fit/distributions.hpp"

namespace paceline {
namespace {

constexpr double significant = 0.05;

struct Variance {
  double value = 0, df = 0;
};

/// Of a sum of independent estimates (Welch and Satterthwaite).
Variance sum_of(const std::vector<Variance>& parts) {
  Variance sum;
  double square = 0;
  for (const auto& part : parts) {
    if (part.value <= 0) continue;
    sum.value += part.value;
    square += part.value * part.value / part.df;
  }
  if (square > 0) sum.df = sum.value * sum.value / square;
  return sum;
}

Variance of_centre(const LayoutTimes& layout, const Times& times) {
  std::vector<Variance> parts = {{layout.variance(), times.df}};
  if (times.block_sd > 0) parts.push_back({times.block_sd * times.block_sd / times.blocks, times.blocks - 1.0});
  return sum_of(parts);
}

void adjust_by_holm(std::vector<LayoutRatio>& layouts) {
  std::vector<LayoutRatio*> order;
  for (auto& layout : layouts) {
    if (!std::isnan(layout.p_value)) order.push_back(&layout);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->p_value < b->p_value; });
  double largest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, order[i]->p_value * static_cast<double>(order.size() - i)));
    order[i]->p_value = largest;
    order[i]->differs = largest < significant;
  }
}

std::string fact(const Study& study, const std::string& name) {
  for (const auto& [key, value] : study.info.machine) {
    if (key == name) return value;
  }
  return {};
}

std::string list(const std::vector<Layout>& layouts) {
  std::string text;
  for (const auto& layout : layouts) text += (text.empty() ? "" : ", ") + name_of(layout);
  return text;
}

LayoutRatio::Gate gate_of(const Interval& ratio, double limit) {
  if (ratio.low > limit) return LayoutRatio::Gate::fails;
  return ratio.high <= limit ? LayoutRatio::Gate::passes : LayoutRatio::Gate::unresolved;
}

std::string names_at(const Comparison& comparison, LayoutRatio::Gate gate) {
  std::string text;
  for (const auto& row : comparison.layouts) {
    if (row.gate != gate) continue;
    const auto percent = fmt::format(" by {:.1f} %", 100 * (row.ratio.value - 1));
    text += (text.empty() ? "" : ", ") + name_of(row.layout) + (gate == LayoutRatio::Gate::fails ? percent : "");
  }
  return text;
}

}  // namespace

std::string too_slow(const Comparison& comparison) { return names_at(comparison, LayoutRatio::Gate::fails); }

std::string json_report(const Comparison& comparison) {
  using Json = nlohmann::ordered_json;
  constexpr const char* gates[] = {nullptr, "passes", "fails", "unresolved"};
  Json json;
  json["fail_above"] = comparison.fail_above ? Json(*comparison.fail_above) : Json();
  json["notes"] = comparison.notes;
  json["layouts"] = Json::array();
  const auto of = [](const Layout& layout) {
    return Json{{"ranks", layout.ranks}, {"threads", layout.threads}, {"nodes", layout.nodes}};
  };
  for (const auto& row : comparison.layouts) {
    auto entry = of(row.layout);
    entry["ratio"] = {{"value", row.ratio.value}, {"low", row.ratio.low}, {"high", row.ratio.high}};
    entry["p_value"] = row.p_value;
    entry["differs"] = row.differs;
    const auto* gate = gates[static_cast<int>(row.gate)];
    entry["gate"] = gate == nullptr ? Json() : Json(gate);
    json["layouts"].push_back(std::move(entry));
  }
  for (const auto& [name, layouts] :
       {std::pair("only_first", &comparison.only_first), std::pair("only_second", &comparison.only_second)}) {
    json[name] = Json::array();
    for (const auto& layout : *layouts) json[name].push_back(of(layout));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Comparison compare(const Study& first, const Study& second, std::optional<double> fail_above) {
  Comparison comparison;
  comparison.fail_above = fail_above;
  if (first.info.command != second.info.command) {
    comparison.notes.push_back(
        fmt::format("the commands differ: `{}` and `{}`", first.info.command, second.info.command));
  }
  if (first.info.mode != second.info.mode) comparison.notes.emplace_back("one study is of strong scaling, one of weak");
  for (const std::string name : {"machine", "kernel", "launcher_version", "paceline"}) {
    if (fact(first, name) == fact(second, name)) continue;
    comparison.notes.push_back(fmt::format("{} differs: {} and {}", name, fact(first, name), fact(second, name)));
  }

  const auto times_first = study_times(first);
  const auto times_second = study_times(second);
  std::map<Layout, const LayoutTimes*> others;
  for (const auto* layout : times_second.used()) others[layout->layout] = layout;
  for (const auto* one : times_first.used()) {
    const auto found = others.find(one->layout);
    if (found == others.end()) {
      comparison.only_first.push_back(one->layout);
      continue;
    }
    const auto& other = *found->second;
    const double log_ratio = other.centre - one->centre;
    LayoutRatio row{one->layout, {std::exp(log_ratio)}, Interval::unknown, false, LayoutRatio::Gate::none};
    if (times_first.has_noise() && times_second.has_noise()) {
      const auto variance = sum_of({of_centre(*one, times_first), of_centre(other, times_second)});
      const double half = t_quantile(0.975, variance.df) * std::sqrt(variance.value);
      row.ratio.low = std::exp(log_ratio - half);
      row.ratio.high = std::exp(log_ratio + half);
      row.p_value = t_two_sided(log_ratio / std::sqrt(variance.value), variance.df);
    }
    if (fail_above) row.gate = gate_of(row.ratio, 1 + *fail_above);
    comparison.layouts.push_back(row);
    others.erase(found);
  }
  for (const auto& [layout, unused] : others) comparison.only_second.push_back(layout);
  adjust_by_holm(comparison.layouts);
  return comparison;
}

std::string text_report(const Comparison& comparison, const std::string& first, const std::string& second) {
  auto text = fmt::format("paceline compare: {} (A) and {} (B)\n", first, second);
  for (const auto& note : comparison.notes) text += fmt::format("  note      {}\n", note);
  if (!comparison.layouts.empty()) {
    text += fmt::format("  {:<18} {:>8}  {:<18} {:>8}\n", "ranks x threads", "time B/A", "95 % interval", "p");
  }
  std::size_t slower = 0, faster = 0;
  for (const auto& row : comparison.layouts) {
    const auto name = name_of(row.layout);
    if (std::isnan(row.p_value)) {
      text += fmt::format("  {:<18} {:>8.4f}  unknown: nothing was repeated\n", name, row.ratio.value);
      continue;
    }
    (row.ratio.value > 1 ? slower : faster) += row.differs ? 1 : 0;
    const char* verdict = !row.differs ? "within the noise" : row.ratio.value > 1 ? "B is slower" : "B is faster";
    text += fmt::format("  {:<18} {:>8.4f}  {:<18} {:>8.2g}  {}\n", name, row.ratio.value,
                        fmt::format("{:.4f} to {:.4f}", row.ratio.low, row.ratio.high), row.p_value, verdict);
  }
  if (!comparison.only_first.empty()) text += fmt::format("  only in A {}\n", list(comparison.only_first));
  if (!comparison.only_second.empty()) text += fmt::format("  only in B {}\n", list(comparison.only_second));
  if (comparison.layouts.empty()) {
    text += "  result    no layout counts in both studies, so nothing can be compared\n";
  } else if (slower + faster == 0) {
    text += fmt::format("  result    no difference beyond the noise in {} layouts\n", comparison.layouts.size());
  } else {
    text += fmt::format("  result    of {} layouts, B is slower on {} and faster on {}, beyond the noise\n",
                        comparison.layouts.size(), slower, faster);
  }
  if (comparison.fail_above) {
    const auto limit = fmt::format("{:g} %", 100 * *comparison.fail_above);
    const auto fails = names_at(comparison, LayoutRatio::Gate::fails);
    const auto unresolved = names_at(comparison, LayoutRatio::Gate::unresolved);
    const auto found = fails.empty() ? fmt::format("no layout is slower by more than {} beyond its interval", limit)
                                     : fmt::format("slower by more than {}: {}", limit, fails);
    text += fmt::format("  gate      {}\n", found);
    if (!unresolved.empty()) {
      text += fmt::format("            unresolved: {} (the interval holds {}; more repeats would tell)\n", unresolved,
                          limit);
    }
  }
  return text;
}

}  // namespace paceline
