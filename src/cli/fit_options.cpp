#include "cli/fit_options.hpp"

#include <fmt/format.h>

#include <charconv>

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

CommandText fit_command(FitOptions& options) {
  CommandText text{"fit", "fit laws of scaling to a study, and say which layout to use", groups::conclude};
  auto& set = text.options;
  set.add("study", options.study, "a file of `paceline study` or `paceline import`").required().shown("STUDY.h5");
  std::vector<std::string> names = {"auto"};
  text.more = "Laws, of the seconds T on p cores or on r ranks x t threads:\n";
  for (const auto& model : models()) {
    names.emplace_back(model.name);
    text.more += fmt::format("  {:<10} {}\n", model.name, model.formula);
  }
  text.more += "a is process_fraction, b thread_fraction, s serial_fraction; gustafson is for weak scaling.";
  const auto form = fmt::format("{} (auto)", fmt::join(names, "|"));
  set.add("--model", options.model, "the law to use; auto: the one that the times support best")
      .one_of(std::move(names))
      .shown(form);
  set.add_function<std::string>(
         "--at", [&options](const std::string& given) { options.at = layout_of(given); },
         "predict the time on so many ranks and threads each")
      .checked([](const std::string& given) {
        return layout_of(given) ? std::string() : fmt::format("{} is not RANKSxTHREADS, like 8x12", given);
      })
      .shown("RANKSxTHREADS");
  set.add_choice("--objective", options.objective, {{"time", Objective::time}, {"throughput", Objective::throughput}},
                 "what is fitted: logarithms of times, or throughputs as R's package usl does")
      .shown("time|throughput (time)");
  add_percent(set, "--threshold", "efficiency that layouts should have", "P% (75%)",
              [&options](double share) { options.threshold = share; });
  set.add("--json", options.json, "the fit as one JSON object");
  return text;
}

CommandText compare_command(CompareOptions& options) {
  CommandText text{"compare", "say where two studies differ by more than their noise", groups::conclude};
  auto& set = text.options;
  set.add("first", options.first, "a study").required().shown("A.h5");
  set.add("second", options.second, "another one, of the same command").required().shown("B.h5");
  add_percent(set, "--fail-above", "exit with 5 when a layout of B is slower by more, beyond its interval", "P%",
              [&options](double share) { options.fail_above = share; });
  set.add("--json", options.json, "the comparison as one JSON object");
  return text;
}

CommandText merge_command(MergeOptions& options) {
  CommandText text{"merge", "put parts of one study that were measured apart into one file", groups::measure};
  auto& set = text.options;
  set.add("parts", options.parts, "studies of one command").required().shown("PART.h5 ...");
  set.add("-o,--output", options.output, "the whole study").required().shown("STUDY.h5");
  set.add("--force", options.force, "overwrite what exists");
  return text;
}

}  // namespace paceline
