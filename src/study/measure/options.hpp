// What a study is asked to do, as plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// What happens to a layout whose threads have no core each.
enum class Binding {
  check,   ///< it is left out
  ignore,  ///< it runs, and the file says that it is not bound
  trust    ///< nothing is checked: the user vouches for it, and fits use it
};

constexpr const char* to_string(Binding binding) {
  return binding == Binding::check ? "check" : binding == Binding::ignore ? "ignore" : "trust";
}

struct StudyOptions {
  std::filesystem::path output;
  bool force = false;
  bool resume = false;
  bool dry_run = false;
  std::vector<int> ranks = {1};
  std::vector<int> threads = {1};
  std::vector<int> nodes = {1};
  ScalingMode mode = ScalingMode::strong;
  int warmup = 1;
  int repeats = 5;
  std::optional<double> until_ci;     ///< half width of the median's interval over the median
  std::optional<double> max_minutes;  ///< of this call; no run is started after it
  double timeout_s = 3600;            ///< of one run
  int profile = 0;                    ///< so many more runs of each layout under the probe
  int suggested = 0;                  ///< of the layouts that a fit suggests, so many are measured, too
  std::vector<Layout> kept_layouts;   ///< suggested earlier, and measured since
  std::vector<Layout> suggestions;    ///< in their order; the first `suggested` that can run are measured
  std::uint64_t seed = 1;
  std::string launcher = "auto";
  bool oversubscribe = false;
  Binding binding = Binding::check;
  std::string time_regex;            ///< empty: wall time, or the record of a paceline command
  std::string digest_regex;          ///< empty: none, or the record's
  std::set<int> ignored_exit_codes;  ///< such a run is as good as one that ends with 0
  std::vector<std::string> command;  ///< as it was given, with its placeholders
  std::string study_command;         ///< the whole command line
};

}  // namespace paceline
