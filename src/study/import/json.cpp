// Formats in JSON: hyperfine, Google Benchmark, ReFrame's run report, Extra-P.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "host/text.hpp"
#include "study/import/formats.hpp"

namespace paceline {
namespace {

using Json = nlohmann::json;

std::optional<int> count_of(const Json& value) {
  if (value.is_number()) return count_in(fmt::format("{}", value.get<double>()));
  return value.is_string() ? count_in(value.get<std::string>()) : std::nullopt;
}

/// The first of the names that the object has, as a count.
std::optional<int> count_of(const Json& object, const std::string& wish, const std::vector<std::string>& names) {
  for (const auto& [key, value] : object.items()) {
    if (!wish.empty() && lower(key) == lower(wish)) return count_of(value);
  }
  if (!wish.empty()) return std::nullopt;
  for (const auto& name : names) {
    for (const auto& [key, value] : object.items()) {
      if (lower(key) == name) return count_of(value);
    }
  }
  return std::nullopt;
}

const std::vector<std::string> rank_keys = {"ranks", "np",    "nprocs",     "tasks",     "num_tasks", "processes",
                                            "procs", "cores", "processors", "num_cores", "p",         "n"};
const std::vector<std::string> thread_keys = {"threads", "num_threads", "num_cpus_per_task", "t"};
const std::vector<std::string> node_keys = {"nodes", "num_nodes"};

/// Throws Error (input) when the object tells neither ranks nor threads.
Layout layout_in(const Json& object, const ImportWishes& wishes, const std::string& place) {
  const auto ranks = count_of(object, wishes.ranks, rank_keys);
  const auto threads = count_of(object, wishes.threads, thread_keys);
  if (!ranks && !threads) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    throw bad_times(place,
                    names.empty()
                        ? std::string("it tells neither ranks nor threads")
                        : fmt::format("it tells neither ranks nor threads; it has {}", fmt::join(names, ", ")),
                    "name the parameter by --ranks or --threads");
  }
  return {ranks.value_or(1), threads.value_or(1), count_of(object, wishes.nodes, node_keys).value_or(1)};
}

double number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : PhaseTimes::unknown;
}

std::string text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// "app -n 4" -> "app -n {threads}": what all runs have in common.
std::string with_names(const std::string& command, const Json& parameters) {
  std::istringstream words(command);
  std::string text;
  for (std::string word; words >> word;) {
    for (const auto& [name, value] : parameters.items()) {
      if (word == (value.is_string() ? value.get<std::string>() : value.dump())) word = fmt::format("{{{}}}", name);
    }
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

void import_hyperfine(const Json& json, const std::string& name, const ImportWishes& wishes, ImportedTimes& times) {
  times.format = "results of hyperfine";
  std::size_t index = 0;
  for (const auto& result : json["results"]) {
    const auto place = fmt::format("{} result {}", name, ++index);
    const auto command = text(result, "command");
    if (!wishes.command.empty() && json["results"].size() > 1 && !result.contains("parameters") &&
        command != wishes.command) {
      continue;
    }
    if (times.command.empty()) times.command = with_names(command, result.value("parameters", Json::object()));
    const auto layout = layout_in(result.value("parameters", Json::object()), wishes, place);
    const double unit_s = wishes.unit_s.value_or(1);
    const auto codes = result.value("exit_codes", Json::array());
    if (result.contains("times") && result["times"].is_array() && !result["times"].empty()) {
      std::size_t run = 0;
      for (const auto& seconds : result["times"]) {
        const auto run_place = fmt::format("{} run {}", place, run + 1);
        const bool failed = run < codes.size() && codes[run].is_number() && codes[run].get<double>() != 0;
        ++run;
        if (failed) {
          times.notes.push_back(fmt::format("{} is left out: its exit code is not 0", run_place));
        } else {
          add_run(times, wishes, layout, seconds.is_number() ? seconds.get<double>() * unit_s : PhaseTimes::unknown,
                  run_place);
        }
      }
    } else {
      times.notes.push_back(fmt::format("{} has a mean and no single times", place));
      add_run(times, wishes, layout, number(result, "mean") * unit_s, place);
    }
  }
}

void import_google_benchmark(const Json& json, const std::string& name, const ImportWishes& wishes,
                             ImportedTimes& times) {
  times.format = "results of Google Benchmark";
  std::set<std::string> families;
  std::size_t aggregates = 0;
  const auto family_of = [](const Json& one) {
    const auto whole = text(one, "run_name").empty() ? text(one, "name") : text(one, "run_name");
    return whole.substr(0, whole.find("/threads:"));
  };
  for (const auto& one : json["benchmarks"]) families.insert(family_of(one));
  if (families.size() > 1 && !families.contains(wishes.command)) {
    throw bad_times(name, fmt::format("it holds several benchmarks: {}", fmt::join(families, ", ")),
                    "name the one that is meant by --command");
  }
  for (const auto& one : json["benchmarks"]) {
    if (families.size() > 1 && family_of(one) != wishes.command) continue;
    const auto place = fmt::format("{} {}", name, text(one, "name"));
    if (text(one, "run_type") == "aggregate") {
      ++aggregates;
      continue;
    }
    if (one.value("error_occurred", false)) {
      times.notes.push_back(fmt::format("{} is left out: {}", place, text(one, "error_message")));
      continue;
    }
    times.command = family_of(one);
    const auto unit = seconds_in_unit(text(one, "time_unit").empty() ? "ns" : text(one, "time_unit"));
    if (!unit) throw bad_times(place, "its time_unit is not known", "correct it");
    // Time an iteration, of all threads together, as the library reports it.
    add_run(times, wishes, layout_in(one, wishes, place), number(one, "real_time") * wishes.unit_s.value_or(*unit),
            place);
  }
  if (aggregates > 0) times.notes.push_back(fmt::format("{}: {} aggregates are left out", name, aggregates));
}

void import_reframe(const Json& json, const std::string& name, const ImportWishes& wishes, ImportedTimes& times) {
  times.format = "a report of ReFrame";
  for (const auto& run : json["runs"]) {
    for (const auto& test : run.value("testcases", Json::array())) {
      const auto place = fmt::format("{} {}", name, text(test, "name"));
      if (text(test, "result") == "failure" || text(test, "result") == "fail") {
        times.notes.push_back(fmt::format("{} is left out: it failed", place));
        continue;
      }
      if (times.command.empty()) times.command = text(test, "name");
      auto facts = test;
      if (test.contains("check_vars") && test["check_vars"].is_object()) facts.update(test["check_vars"]);
      bool has_time = false;
      for (const auto& variable : test.value("perfvars", Json::array())) {
        const auto unit = seconds_in_unit(text(variable, "unit"));
        const auto called = text(variable, "name");
        if (wishes.time.empty() ? !unit : called != wishes.time) continue;
        add_run(times, wishes, layout_in(facts, wishes, place),
                number(variable, "value") * wishes.unit_s.value_or(unit.value_or(1)), place);
        has_time = true;
        break;
      }
      if (!has_time) times.notes.push_back(fmt::format("{} is left out: no performance variable is a time", place));
    }
  }
}

/// A value for each parameter, in the order of `names`.
Layout extra_p_layout(const Json& point, const std::vector<std::string>& names, const ImportWishes& wishes,
                      const std::string& place, bool& is_guessed) {
  Json object = Json::object();
  if (point.is_object()) {
    object = point;
  } else {
    const auto values = point.is_array() ? point : Json::array({point});
    for (std::size_t i = 0; i < values.size() && i < names.size(); ++i) object[names[i]] = values[i];
  }
  // Extra-P's first parameter is by its custom the number of processes.
  if (object.size() == 1 && wishes.ranks.empty() && wishes.threads.empty()) {
    if (const auto ranks = count_of(object.begin().value())) {
      is_guessed = !count_of(object, "", rank_keys);
      return {*ranks, 1, 1};
    }
  }
  return layout_in(object, wishes, place);
}

void note_parameter(ImportedTimes& times, const std::string& name, const std::vector<std::string>& names) {
  times.notes.push_back(fmt::format("{}: its only parameter{} is taken for the number of ranks", name,
                                    names.empty() ? std::string() : " " + names.front()));
}

void import_extra_p_json(const Json& json, const std::string& name, const ImportWishes& wishes, ImportedTimes& times) {
  times.format = "measurements of Extra-P";
  std::vector<std::string> names;
  for (const auto& parameter : json["parameters"]) {
    names.push_back(parameter.is_string() ? parameter.get<std::string>() : text(parameter, "name"));
  }
  std::vector<std::pair<std::string, Json>> metrics;
  for (const auto& [region, by_metric] : json["measurements"].items()) {
    for (const auto& [metric, points] : by_metric.items()) {
      if (wishes.time.empty() ? lower(metric) == "time" || lower(metric) == "runtime" || by_metric.size() == 1
                              : metric == wishes.time) {
        metrics.emplace_back(region, points);
      }
    }
  }
  const auto wanted =
      std::find_if(metrics.begin(), metrics.end(), [&](const auto& entry) { return entry.first == wishes.command; });
  if (metrics.empty()) throw bad_times(name, "it has no metric time", "name the metric by --time");
  if (metrics.size() > 1 && wanted == metrics.end()) {
    std::vector<std::string> regions;
    for (const auto& [region, points] : metrics) regions.push_back(region);
    throw bad_times(name, fmt::format("it holds several regions: {}", fmt::join(regions, ", ")),
                    "name the one that is meant by --command");
  }
  const auto& [region, points] = wanted != metrics.end() ? *wanted : metrics.front();
  times.command = region;
  bool is_guessed = false;
  for (const auto& entry : points) {
    const auto place = fmt::format("{} point {}", name, entry.value("point", Json()).dump());
    const auto layout = extra_p_layout(entry.value("point", Json()), names, wishes, place, is_guessed);
    for (const auto& value : entry.value("values", Json::array())) {
      add_run(times, wishes, layout,
              value.is_number() ? value.get<double>() * wishes.unit_s.value_or(1) : PhaseTimes::unknown, place);
    }
  }
  if (is_guessed) note_parameter(times, name, names);
}

bool import_json_lines(const std::string& text_of_file, const std::string& name, const ImportWishes& wishes,
                       ImportedTimes& times) {
  const auto lines = lines_of(text_of_file);
  bool is_guessed = false;
  std::set<std::string> paths;
  std::vector<std::pair<Json, std::size_t>> found;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trimmed(lines[i]).empty()) continue;
    auto json = Json::parse(lines[i], nullptr, false);
    if (!json.is_object() || !json.contains("params") || !json.contains("value")) return false;
    if (!text(json, "metric").empty()) {
      const auto metric = lower(text(json, "metric"));
      if (wishes.time.empty() ? metric != "time" && metric != "runtime" : metric != lower(wishes.time)) continue;
    }
    paths.insert(text(json, "callpath"));
    found.emplace_back(std::move(json), i + 1);
  }
  if (paths.size() > 1 && !paths.contains(wishes.command)) {
    throw bad_times(name, fmt::format("it holds several regions: {}", fmt::join(paths, ", ")),
                    "name the one that is meant by --command");
  }
  times.format = "measurements of Extra-P";
  for (const auto& [json, line] : found) {
    if (paths.size() > 1 && text(json, "callpath") != wishes.command) continue;
    const auto place = fmt::format("{}:{}", name, line);
    times.command = text(json, "callpath");
    add_run(times, wishes, extra_p_layout(json["params"], {}, wishes, place, is_guessed),
            number(json, "value") * wishes.unit_s.value_or(1), place);
  }
  if (is_guessed) note_parameter(times, name, {});
  return true;
}

}  // namespace

bool import_json(const std::string& text_of_file, const std::string& name, const ImportWishes& wishes,
                 ImportedTimes& times) {
  const auto json = Json::parse(text_of_file, nullptr, false);
  const auto has_list = [&](const char* key) { return json.is_object() && json.contains(key) && json[key].is_array(); };
  const auto may_be = [&](TimesFormat format) {
    return wishes.format == TimesFormat::automatic || wishes.format == format;
  };
  try {
    if (has_list("results") && may_be(TimesFormat::hyperfine)) {
      import_hyperfine(json, name, wishes, times);
    } else if (has_list("benchmarks") && may_be(TimesFormat::google_benchmark)) {
      import_google_benchmark(json, name, wishes, times);
    } else if (has_list("runs") && may_be(TimesFormat::reframe)) {
      import_reframe(json, name, wishes, times);
    } else if (json.is_object() && json.contains("measurements") && may_be(TimesFormat::extra_p)) {
      import_extra_p_json(json, name, wishes, times);
    } else {
      return may_be(TimesFormat::extra_p) && import_json_lines(text_of_file, name, wishes, times);
    }
  } catch (const Json::exception& error) {
    throw bad_times(name, error.what(), "see that the file is whole");
  }
  return true;
}

}  // namespace paceline
