// What a run says of itself -> a sample.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "study/measure/options.hpp"
#include "study/measure/process.hpp"
#include "study/sample.hpp"

namespace re2 {
class RE2;
}

namespace paceline {

/// How a program's time is read.
class RunReader {
 public:
  /// Throws Error (usage) for an invalid regular expression, or one without a group.
  explicit RunReader(const StudyOptions& options);

  RunReader(const RunReader&) = delete;
  RunReader& operator=(const RunReader&) = delete;
  ~RunReader();

  /// The command as it is run: a paceline command is told to print its record and no progress.
  [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& given) const;

  /// Fills in status, wall_s, phases and digest. Returns why there is no time, empty when there is one.
  /// Regular expressions are RE2's, whose time grows with the text and no faster. They are searched in each line of
  /// both outputs, without escape sequences of terminals; the last line that has a match counts, since totals come
  /// last.
  std::string read(const ProcessResult& result, Sample& sample) const;

 private:
  std::string read_json(const ProcessResult& result, Sample& sample) const;

  bool reads_json_ = false;
  std::set<int> ignored_exit_codes_;
  std::unique_ptr<re2::RE2> time_;  ///< nullptr: not asked for
  std::unique_ptr<re2::RE2> digest_;
};

/// The text without what terminals take for colours, titles and cursor moves (ECMA-48: CSI and OSC sequences).
std::string without_escapes(const std::string& text);

/// The command's first word is paceline, however its folder is called.
bool is_paceline(const std::vector<std::string>& command);

/// Weak mode of work that nothing in COMMAND or the launcher's template makes grow: a program may do so by itself.
bool may_lack_scale(const StudyOptions& options);

/// Digests that differ where they must not: between all ok runs, or in weak mode between those of one layout. A
/// sentence that names the layouts; empty when all is well.
std::string digest_trouble(ScalingMode mode, const std::vector<Sample>& samples);

}  // namespace paceline
