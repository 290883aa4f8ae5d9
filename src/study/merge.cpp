#include "study/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "storage/output_path.hpp"
#include "study/measure/facts.hpp"
#include "study/measure/outcome.hpp"
#include "study/profile/efficiency_rows.hpp"
#include "study/shell_words.hpp"
#include "study/study_file.hpp"

namespace paceline {
namespace {

void check_alike(const Study& first, const Study& other, const std::string& first_name, const std::string& name) {
  const auto check = [&](const std::string& what, const std::string& one, const std::string& two) {
    if (one == two) return;
    throw Error(ErrorKind::input, fmt::format("{} and {} are not parts of one study", first_name, name),
                fmt::format("{} is {} in one and {} in the other", what, quoted(one), quoted(two)),
                "`paceline compare` holds different studies against each other");
  };
  check("the command", first.info.command, other.info.command);
  check("the launcher", first.info.launcher, other.info.launcher);
  check("the mode", name_of(first.info.mode), name_of(other.info.mode));
  for (const char* name_of_fact : {"cpu_model", "cores", "time_regex", "digest_regex"}) {
    check(name_of_fact, fact(first.info.machine, name_of_fact), fact(other.info.machine, name_of_fact));
  }
}

/// A part's value is added to those that are there, unless it is one of them.
void add_facts(StudyInfo& whole, std::vector<std::vector<std::string>>& values, const StudyInfo& part) {
  for (const auto& [name, value] : part.machine) {
    const auto at = std::find_if(whole.machine.begin(), whole.machine.end(),
                                 [name = name](const auto& known) { return known.first == name; });
    const auto index = static_cast<std::size_t>(at - whole.machine.begin());
    if (at == whole.machine.end()) {
      whole.machine.emplace_back(name, value);
      values.push_back({value});
    } else if (std::find(values[index].begin(), values[index].end(), value) == values[index].end()) {
      values[index].push_back(value);
    }
  }
}

/// A run that is in two parts would count twice, and make the times look more certain than they are.
void check_apart(const Study& one, const Study& two, const std::string& one_name, const std::string& two_name) {
  std::set<std::tuple<Layout, std::string, std::string>> runs;
  // As text: of a run that failed the time is nan, which equals nothing.
  const auto run_of = [](const Sample& sample) {
    return std::tuple(sample.layout, sample.started, fmt::format("{}", sample.wall_s));
  };
  for (const auto& sample : one.samples) runs.insert(run_of(sample));
  for (const auto& sample : two.samples) {
    if (!sample.started.empty() && sample.status == SampleStatus::ok && runs.contains(run_of(sample))) {
      throw Error(ErrorKind::input, fmt::format("{} and {} hold the same runs", one_name, two_name),
                  fmt::format("one of {} was started at {} and took {:g} s in both", to_string(sample.layout),
                              sample.started, sample.wall_s),
                  "give each part once");
    }
  }
}

/// However they are spelt.
void check_output_is_no_part(const MergeOptions& options) {
  for (const auto& part : options.parts) {
    std::error_code code;
    if (std::filesystem::equivalent(part, options.output, code)) {
      throw Error(ErrorKind::usage, "input and output are the same file", options.output.string(),
                  "give the whole another name");
    }
  }
}

}  // namespace

Study merged(const std::vector<Study>& parts, const std::vector<std::filesystem::path>& names) {
  Study whole;
  whole.info = parts.front().info;
  whole.info.machine.clear();
  std::vector<std::vector<std::string>> values;
  std::vector<EfficiencyRow> efficiencies;
  int first_repeat = 0;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const auto& part = parts[p];
    check_alike(parts.front(), part, names.front().string(), names[p].string());
    for (std::size_t q = 0; q < p; ++q) check_apart(parts[q], part, names[q].string(), names[p].string());
    add_facts(whole.info, values, part.info);
    int next_repeat = first_repeat;
    for (auto sample : part.samples) {
      sample.repeat += first_repeat;
      next_repeat = std::max(next_repeat, sample.repeat + 1);
      whole.samples.push_back(std::move(sample));
    }
    first_repeat = next_repeat;
    whole.left_out.insert(whole.left_out.end(), part.left_out.begin(), part.left_out.end());
    const auto rows = efficiency_rows(part);
    efficiencies.insert(efficiencies.end(), rows.begin(), rows.end());
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& [name, value] = whole.info.machine[i];
    const bool has_lines = name == "launcher_lines" || name == "environment" || name == "affinity";
    value = fmt::format("{}", fmt::join(values[i], has_lines ? "\n" : name == "layouts" ? " " : " | "));
  }
  if (!efficiencies.empty()) whole.more_tables.push_back(efficiency_table(efficiencies));
  std::stable_sort(whole.samples.begin(), whole.samples.end(),
                   [](const Sample& a, const Sample& b) { return a.started < b.started; });
  for (std::size_t i = 0; i < whole.samples.size(); ++i) whole.samples[i].order = static_cast<int>(i);
  return whole;
}

ExitCode merge(const MergeOptions& options) {
  check_output_is_no_part(options);
  std::vector<Study> parts;
  for (const auto& path : options.parts) parts.push_back(read_study(path));
  const auto whole = merged(parts, options.parts);
  check_output(options.output, options.force ? Existing::overwrite : Existing::refuse, 1 << 20);
  StudyFile::create(options.output, whole);
  fmt::print("{}: {} runs of {} studies\nNext: paceline fit {}\n", options.output.string(), whole.samples.size(),
             parts.size(), options.output.string());
  std::fflush(stdout);
  if (const auto trouble = digest_trouble(whole.info.mode, whole.samples); !trouble.empty()) {
    throw Error(ErrorKind::check, "digests differ between runs", trouble,
                "results must not depend on the layout: find out why before trusting times");
  }
  return ExitCode::done;
}

}  // namespace paceline
