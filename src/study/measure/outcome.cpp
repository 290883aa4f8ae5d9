#include "study/measure/outcome.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include <paceline/error.hpp>

#include "study/shell_words.hpp"

namespace paceline {
namespace {

std::unique_ptr<RE2> compiled(const std::string& option, const std::string& text) {
  if (text.empty()) return nullptr;
  auto regex = std::make_unique<RE2>(text, RE2::Quiet);
  if (!regex->ok()) {
    throw Error(ErrorKind::usage, fmt::format("{} {} is not a valid regular expression", option, quoted(text)),
                regex->error(), "use RE2's syntax, for example 'time: ([0-9.]+)'");
  }
  if (regex->NumberOfCapturingGroups() > 0) return regex;
  throw Error(ErrorKind::usage, fmt::format("{} {} has no capture group", option, quoted(text)),
              "the group is what is read", "put it in brackets, for example 'time: ([0-9.]+)'");
}

/// First group of the last line that matches.
std::string last_match(const RE2& regex, const ProcessResult& result) {
  std::string found;
  for (const auto* output : {&result.out, &result.err}) {
    std::istringstream lines(without_escapes(*output));
    for (std::string line; std::getline(lines, line);) {
      std::string group;
      if (RE2::PartialMatch(line, regex, &group)) found = group;
    }
  }
  return found;
}

bool has_any(const std::string& text, std::initializer_list<const char*> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

/// The last line that the program said. A launcher tells of a process's end between lines of dashes: that is skipped,
/// but not what a library says in such a frame.
std::string last_line(const std::string& text) {
  std::string last, framed;
  bool is_in_frame = false, is_banner = false;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    // Of a line that was written over, the end.
    line.erase(line.find_last_not_of(" \t\r\n") + 1);
    line.erase(0, line.find_last_of('\r') + 1);
    if (line.empty()) continue;
    if (line.size() >= 20 && line.find_first_not_of("-=") == std::string::npos) {
      if (is_in_frame && !is_banner && !framed.empty()) last = framed;
      is_in_frame = !is_in_frame;
      is_banner = false;
      framed.clear();
    } else if (is_in_frame) {
      is_banner |= has_any(line, {"Primary job", "mpirun detected that", "mpirun noticed that", "mpiexec detected that",
                                  "mpiexec noticed that", "prterun detected that", "prterun noticed that",
                                  "MPI_ABORT was invoked", "BAD TERMINATION"});
      framed = line;
    } else {
      last = line;
    }
  }
  return !is_banner && !framed.empty() ? framed : last;
}

/// Our own sentence when there is one among what a launcher adds, else the last thing that was said.
std::string complaint(const ProcessResult& result) {
  const std::string mark = "paceline: error: ";
  if (const auto at = result.err.find(mark); at != std::string::npos) {
    return result.err.substr(at + mark.size(), result.err.find('\n', at) - at - mark.size());
  }
  const auto said = last_line(result.err);
  return said.empty() ? last_line(result.out) : said;
}

std::string with_complaint(const std::string& what, const ProcessResult& result) {
  const auto said = complaint(result);
  return said.empty() ? what : fmt::format("{}: {}", what, said);
}

double number_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : PhaseTimes::unknown;
}

bool is_option(const std::vector<std::string>& words, const std::string& name) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return word == name || word.starts_with(name + "="); });
}

}  // namespace

std::string without_escapes(const std::string& text) {
  static const RE2 escapes("\\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)?|[@-Z\\\\^_])");
  if (text.find('\x1b') == std::string::npos) return text;
  // Bytes, not characters: programs print what is no UTF-8.
  std::string plain = text;
  RE2::GlobalReplace(&plain, escapes, "");
  return plain;
}

bool is_paceline(const std::vector<std::string>& command) {
  return !command.empty() && std::filesystem::path(command.front()).filename() == "paceline";
}

bool may_lack_scale(const StudyOptions& options) {
  if (options.mode != ScalingMode::weak) return false;
  const auto command = joined(options.command);
  const auto has = [](const std::string& text, const char* name) { return text.find(name) != std::string::npos; };
  return !has(command, "{scale}") && !has(command, "{ranks}") && !has(command, "{nodes}") &&
         !has(options.launcher, "{scale}");
}

RunReader::RunReader(const StudyOptions& options)
    : reads_json_(is_paceline(options.command) && options.time_regex.empty()),
      ignored_exit_codes_(options.ignored_exit_codes),
      time_(compiled("--time-regex", options.time_regex)),
      digest_(compiled("--digest-regex", options.digest_regex)) {}

RunReader::~RunReader() = default;

std::vector<std::string> RunReader::command(const std::vector<std::string>& given) const {
  auto words = given;
  if (!reads_json_) return words;
  if (!is_option(words, "--json")) words.emplace_back("--json");
  if (!is_option(words, "--progress")) words.insert(words.end(), {"--progress", "never"});
  return words;
}

std::string RunReader::read(const ProcessResult& result, Sample& sample) const {
  sample.status = SampleStatus::failed;
  // Of ranks that were not all seen, nothing is known.
  const auto seen = static_cast<int>(result.rank_rss_bytes.size());
  if (seen > 0 && (seen == sample.layout.ranks || !result.has_ranks)) {
    sample.max_rss_bytes = *std::max_element(result.rank_rss_bytes.begin(), result.rank_rss_bytes.end());
    sample.sum_rss_bytes = std::accumulate(result.rank_rss_bytes.begin(), result.rank_rss_bytes.end(), std::int64_t{0});
  }
  switch (result.end) {
    case ProcessResult::End::timed_out:
      sample.status = SampleStatus::timed_out;
      return with_complaint("it took longer than --timeout", result);
    case ProcessResult::End::stopped: return "it was stopped";
    case ProcessResult::End::killed:
      return with_complaint(fmt::format("signal {} ({})", result.code, strsignal(result.code)), result);
    case ProcessResult::End::exited: break;
  }
  if (result.code != 0 && !ignored_exit_codes_.contains(result.code))
    return with_complaint(fmt::format("exit code {}", result.code), result);

  sample.status = SampleStatus::no_time;
  if (reads_json_) {
    if (auto trouble = read_json(result, sample); !trouble.empty()) return trouble;
  } else if (time_) {
    const auto text = last_match(*time_, result);
    double seconds = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty()) return "--time-regex matches nothing in its output";
    if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) || seconds <= 0) {
      return fmt::format("--time-regex finds {}, which is not a time in seconds", quoted(text));
    }
    sample.wall_s = seconds;
  } else {
    sample.wall_s = result.wall_s;
  }
  // A check that finds nothing to check would pass unseen.
  if (digest_) {
    sample.digest = last_match(*digest_, result);
    if (sample.digest.empty()) {
      sample.wall_s = std::numeric_limits<double>::quiet_NaN();
      return "--digest-regex matches nothing in its output";
    }
  }
  sample.status = SampleStatus::ok;
  return {};
}

std::string RunReader::read_json(const ProcessResult& result, Sample& sample) const {
  const auto begin = result.out.rfind("{\"workload\":");
  const auto line = begin == std::string::npos ? "" : result.out.substr(begin, result.out.find('\n', begin) - begin);
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || std::isnan(number_of(json, "wall_s"))) return "it printed no JSON record";
  const auto ranks = number_of(json, "ranks");
  const auto threads = number_of(json, "threads");
  if (ranks != sample.layout.ranks || threads != sample.layout.threads) {
    sample.status = SampleStatus::failed;
    return fmt::format("it ran as {} x {}; leave ranks and threads to the study", ranks, threads);
  }
  sample.wall_s = number_of(json, "wall_s");
  if (const auto phases = json.find("phases"); phases != json.end() && phases->is_object()) {
    sample.phases.init_s = number_of(*phases, "init");
    sample.phases.plan_s = number_of(*phases, "plan");
    sample.phases.scatter_s = number_of(*phases, "scatter");
    sample.phases.compute_s = number_of(*phases, "compute");
    sample.phases.gather_s = number_of(*phases, "gather");
    sample.phases.write_s = number_of(*phases, "write");
  }
  sample.phases.compute_mean_s = number_of(json, "compute_mean_s");
  sample.phases.serial_s = number_of(json, "serial_s");
  if (const auto digest = json.find("digest"); digest != json.end() && digest->is_string()) sample.digest = *digest;
  return {};
}

std::string digest_trouble(ScalingMode mode, const std::vector<Sample>& samples) {
  // What must agree -> digest -> layouts that have it.
  std::map<Layout, std::map<std::string, std::vector<std::string>>> groups;
  for (const auto& sample : samples) {
    if (sample.status != SampleStatus::ok || sample.digest.empty()) continue;
    auto& names = groups[mode == ScalingMode::weak ? sample.layout : Layout{}][sample.digest];
    const auto name = to_string(sample.layout);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  for (const auto& [layout, digests] : groups) {
    if (digests.size() < 2) continue;
    std::string text;
    for (const auto& [digest, names] : digests) {
      if (!text.empty()) text += "; ";
      text += fmt::format("{} of {}", digest, fmt::join(names, ", "));
    }
    return text;
  }
  return {};
}

}  // namespace paceline
