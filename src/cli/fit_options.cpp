#include "cli/fit_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <map>

#include "cli/percent_option.hpp"
#include "study/fit/models.hpp"

namespace paceline {
namespace {

/// "8x12": ranks and threads, both from 1 to 16 million.
std::optional<Layout> layout_of(const std::string& text) {
  constexpr int most = 1 << 24;
  Layout layout;
  const char* const end = text.data() + text.size();
  const auto ranks = std::from_chars(text.data(), end, layout.ranks);
  if (ranks.ec != std::errc() || ranks.ptr == end || *ranks.ptr != 'x') return std::nullopt;
  const auto threads = std::from_chars(ranks.ptr + 1, end, layout.threads);
  if (threads.ec != std::errc() || threads.ptr != end) return std::nullopt;
  const bool is_layout = layout.ranks >= 1 && layout.ranks <= most && layout.threads >= 1 && layout.threads <= most;
  return is_layout ? std::optional(layout) : std::nullopt;
}

}  // namespace

CLI::App* add_fit(CLI::App& app, FitOptions& options) {
  auto* sub = app.add_subcommand("fit", "fit laws of scaling to a study, and say which layout to use");
  sub->add_option("study", options.study, "a file of `paceline study` or `paceline import`")
      ->required()
      ->option_text("STUDY.h5");
  std::string names = "auto";
  std::vector<std::string> allowed = {"auto"};
  for (const auto& model : models()) {
    allowed.emplace_back(model.name);
    names += fmt::format("|{}", model.name);
  }
  sub->add_option("--model", options.model, "the law to use; auto: the one that the times support best")
      ->check(CLI::Validator(
          [allowed, names](std::string& text) {
            const bool is_known = std::find(allowed.begin(), allowed.end(), text) != allowed.end();
            return is_known ? std::string() : fmt::format("{} is not one of {}", text, names);
          },
          ""))
      ->option_text(names + " (auto)");
  sub->add_option_function<std::string>(
         "--at", [&options](const std::string& text) { options.at = layout_of(text); },
         "predict the time on so many ranks and threads each")
      ->check(CLI::Validator(
          [](std::string& text) {
            return layout_of(text) ? std::string() : fmt::format("{} is not RANKSxTHREADS, like 8x12", text);
          },
          ""))
      ->option_text("RANKSxTHREADS");
  sub->add_option("--objective", options.objective,
                  "what is fitted: logarithms of times, or throughputs as R's package usl does")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Objective>{{"time", Objective::time}, {"throughput", Objective::throughput}}))
      ->option_text("time|throughput (time)");
  add_percent(*sub, "--threshold", "efficiency that layouts should have", "P% (75%)",
              [&options](double share) { options.threshold = share; });
  sub->add_flag("--json", options.json, "the fit as one JSON object");
  std::string laws = "Laws, of the seconds T on p cores or on r ranks x t threads:\n";
  for (const auto& model : models()) laws += fmt::format("  {:<10} {}\n", model.name, model.formula);
  sub->footer(laws + "a is process_fraction, b thread_fraction, s serial_fraction; gustafson is for weak scaling.");
  return sub;
}

CLI::App* add_compare(CLI::App& app, CompareOptions& options) {
  auto* sub = app.add_subcommand("compare", "say where two studies differ by more than their noise");
  sub->add_option("first", options.first, "a study")->required()->option_text("A.h5");
  sub->add_option("second", options.second, "another one, of the same command")->required()->option_text("B.h5");
  add_percent(*sub, "--fail-above", "exit with 5 when a layout of B is slower by more, beyond its interval", "P%",
              [&options](double share) { options.fail_above = share; });
  sub->add_flag("--json", options.json, "the comparison as one JSON object");
  return sub;
}

CLI::App* add_merge(CLI::App& app, MergeOptions& options) {
  auto* sub = app.add_subcommand("merge", "put parts of one study that were measured apart into one file");
  sub->add_option("parts", options.parts, "studies of one command")->required()->option_text("PART.h5 ...");
  sub->add_option("-o,--output", options.output, "the whole study")->required()->option_text("STUDY.h5");
  sub->add_flag("--force", options.force, "overwrite what exists");
  return sub;
}

}  // namespace paceline
