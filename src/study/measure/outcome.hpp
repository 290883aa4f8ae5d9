// What a run says of itself -> a sample.
#pragma once

#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "study/measure/options.hpp"
#include "study/measure/process.hpp"
#include "study/sample.hpp"

namespace paceline {

/// How a program's time is read.
class Reader {
 public:
  /// Throws Error (usage) for a regular expression that is none, or that has no group.
  explicit Reader(const StudyOptions& options);

  /// The command reads its JSON record: it is one of ours, and no --time-regex was given.
  [[nodiscard]] bool reads_record() const { return reads_record_; }
  /// The command as it is run: a paceline command is told to print its record and no progress.
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& given) const;

  /// Fills in status, wall_s, phases and digest. Returns why there is no time, empty when there is one.
  /// Regular expressions are those of ECMAScript, searched in each line of what the program says on both outputs; the
  /// last line that has a match counts, since totals come last.
  std::string read(const ProcessResult& result, Sample& sample) const;

 private:
  std::string read_record(const ProcessResult& result, Sample& sample) const;

  bool reads_record_ = false;
  std::optional<std::regex> time_;
  std::optional<std::regex> digest_;
};

/// The command's first word is paceline, however its folder is called.
bool is_paceline(const std::vector<std::string>& command);

/// Weak mode of work that nothing in COMMAND or the launcher's template makes grow: a program may do so by itself.
bool may_lack_scale(const StudyOptions& options);

/// Digests that differ where they must not: between all ok runs, or in weak mode between those of one layout. A
/// sentence that names the layouts; empty when all is well.
std::string digest_trouble(ScalingMode mode, const std::vector<Sample>& samples);

}  // namespace paceline
