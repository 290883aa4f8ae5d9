// What a study is going to do, decided before anything runs: launcher, layouts, those that are left out and why.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/machine.hpp"
#include "study/measure/launcher.hpp"
#include "study/measure/options.hpp"
#include "study/measure/outcome.hpp"
#include "study/measure/resources.hpp"
#include "study/measure/sweep.hpp"

namespace paceline {

struct Setup {
  Machine machine;
  Launcher launcher;
  Resources resources;
  Sweep sweep;                                             ///< of the layouts that can run
  std::set<Layout> oversubscribed;                         ///< of these, those that share cores
  std::vector<std::pair<Layout, std::string>> infeasible;  ///< with the reason
  std::vector<Layout> suggested;                           ///< of the layouts, those that a fit has suggested
  std::vector<std::string> command;                        ///< as it is run; placeholders are not filled in
  bool is_root = false;

  [[nodiscard]] Sharing sharing(const Layout& layout) const;
  /// The launcher's line for a layout, with the command or another one.
  [[nodiscard]] std::vector<std::string> line(const Layout& layout) const;
  [[nodiscard]] std::vector<std::string> line(const Layout& layout, const std::vector<std::string>& other) const;
  [[nodiscard]] Environment environment(const Layout& layout) const;
};

/// Throws Error (usage) when no layout can run, the launcher or the command is missing, or this process is itself a
/// rank of an MPI job, which can't start another.
Setup set_up(const StudyOptions& options, const RunReader& reader);

/// What goes into the file. `study_command`, seed, layouts and launcher lines are among the machine's facts.
StudyInfo describe(const StudyOptions& options, const Setup& setup);

/// Throws Error (input) when the file's study is of another command, launcher, mode, set of layouts, seed or machine.
void check_same(const StudyInfo& here, const StudyInfo& there, const std::filesystem::path& path);

/// The path of this very program.
std::string own_program();

}  // namespace paceline
