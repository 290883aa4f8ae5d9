// Formats of lines that are read by what they say: Extra-P's text, logs of LAMMPS and GROMACS.
#include <fmt/format.h>
#include <re2/re2.h>

#include <sstream>

#include "host/text.hpp"
#include "study/import/formats.hpp"

namespace paceline {

bool import_extra_p(const std::string& text, const std::string& name, const ImportWishes& wishes,
                    ImportedTimes& times) {
  const auto lines = lines_of(text);
  std::vector<std::string> names;
  std::vector<std::vector<int>> points;
  std::size_t next = 0;
  bool has_data = false;
  std::string region;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::istringstream line(lines[i]);
    std::string word;
    if (!(line >> word)) continue;
    const auto place = fmt::format("{}:{}", name, i + 1);
    if (word == "PARAMETER") {
      while (line >> word) names.push_back(word);
    } else if (word == "POINTS") {
      std::string rest = lines[i].substr(lines[i].find("POINTS") + 6);
      const bool has_brackets = rest.find('(') != std::string::npos;
      static const RE2 brackets("\\(([^)]*)\\)");
      re2::StringPiece input(rest);
      std::vector<std::string> texts;
      if (has_brackets) {
        for (std::string one; RE2::FindAndConsume(&input, brackets, &one);) texts.push_back(one);
      } else {
        while (line >> word) texts.push_back(word);
      }
      for (const auto& one : texts) {
        std::istringstream values(one);
        points.emplace_back();
        for (std::string value; values >> value;) {
          const auto count = count_in(value);
          if (!count) throw bad_times(place, fmt::format("{} is not a count from 1", value), "correct it");
          points.back().push_back(*count);
        }
      }
    } else if (word == "REGION") {
      std::string found;
      std::getline(line, found);
      if (has_data) {
        throw bad_times(place, "it holds several regions", "give a file with one region");
      }
      region = std::string(trimmed(found));
    } else if (word == "DATA") {
      if (next >= points.size()) throw bad_times(place, "it has more lines of data than points", "see its POINTS");
      const auto& point = points[next++];
      const auto value_of = [&](const std::string& wish, const std::vector<std::string>& usual, std::size_t otherwise) {
        for (std::size_t k = 0; k < names.size() && k < point.size(); ++k) {
          if (!wish.empty() ? lower(names[k]) == lower(wish)
                            : std::find(usual.begin(), usual.end(), lower(names[k])) != usual.end()) {
            return point[k];
          }
        }
        return otherwise < point.size() ? point[otherwise] : 1;
      };
      if (point.empty()) throw bad_times(place, "its point has no value", "see its POINTS");
      if (names.size() > 1 && wishes.ranks.empty() && wishes.threads.empty()) {
        throw bad_times(name, fmt::format("it has several parameters: {}", fmt::join(names, ", ")),
                        "name those that are ranks and threads by --ranks and --threads");
      }
      const Layout layout{value_of(wishes.ranks, {"p", "ranks", "n"}, wishes.threads.empty() ? 0 : point.size()),
                          value_of(wishes.threads, {"threads"}, point.size()), 1};
      while (line >> word) {
        const auto value = number_in(word);
        add_run(times, wishes, layout, value ? *value * wishes.unit_s.value_or(1) : PhaseTimes::unknown, place);
      }
      has_data = true;
    }
  }
  if (!has_data || points.empty()) return false;
  times.format = "measurements of Extra-P";
  times.command = region;
  if (wishes.ranks.empty() && wishes.threads.empty()) {
    times.notes.push_back(fmt::format("{}: its only parameter {} is taken for the number of ranks", name,
                                      names.empty() ? "" : names.front()));
  }
  return true;
}

bool import_lammps(const std::string& text, const std::string& name, const ImportWishes& wishes, ImportedTimes& times) {
  static const RE2 loop("^Loop time of ([0-9.eE+-]+) on (\\d+) procs");
  static const RE2 tasks("(\\d+) MPI tasks? x (\\d+) OpenMP threads?");
  const auto lines = lines_of(text);
  double seconds = 0;
  int procs = 0, ranks = 0, threads = 0, loops = 0;
  std::size_t line_of_loop = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (RE2::PartialMatch(lines[i], loop, &seconds, &procs)) {
      ++loops;
      line_of_loop = i + 1;
      ranks = threads = 0;
    } else if (loops > 0) {
      RE2::PartialMatch(lines[i], tasks, &ranks, &threads);
    }
  }
  if (loops == 0) return false;
  const auto place = fmt::format("{}:{}", name, line_of_loop);
  times.format = "a log of LAMMPS";
  if (loops > 1) {
    times.notes.push_back(fmt::format("{} has {} loops: the last one counts, at line {}", name, loops, line_of_loop));
  }
  if (ranks == 0) {
    times.notes.push_back(fmt::format("{} tells no threads: its {} procs count as ranks of one thread", place, procs));
    ranks = procs;
    threads = 1;
  }
  add_run(times, wishes, {std::max(1, ranks), std::max(1, threads), 1}, seconds, place);
  return true;
}

bool import_gromacs(const std::string& text, const std::string& name, const ImportWishes& wishes,
                    ImportedTimes& times) {
  static const RE2 process_line("Using (\\d+) MPI (?:process(?:es)?|threads?)");
  static const RE2 thread_line("Using (\\d+) OpenMP threads?");
  static const RE2 node_line("Running on (\\d+) nodes?");
  static const RE2 time_line("^\\s*Time:\\s+([0-9.]+)\\s+([0-9.]+)\\s+[0-9.]+");
  const auto lines = lines_of(text);
  int ranks = 0, threads = 0, nodes = 1;
  double core_s = 0, wall_s = 0;
  std::size_t line_of_time = 0;
  bool is_gromacs = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    is_gromacs =
        is_gromacs || lines[i].find("GROMACS") != std::string::npos || lines[i].find("Core t (s)") != std::string::npos;
    RE2::PartialMatch(lines[i], process_line, &ranks);
    RE2::PartialMatch(lines[i], thread_line, &threads);
    RE2::PartialMatch(lines[i], node_line, &nodes);
    if (RE2::PartialMatch(lines[i], time_line, &core_s, &wall_s)) line_of_time = i + 1;
  }
  if (!is_gromacs) return false;
  times.format = "a log of GROMACS";
  if (line_of_time == 0) throw bad_times(name, "it has no wall time: did the run end?", "give logs of runs that ended");
  const auto place = fmt::format("{}:{}", name, line_of_time);
  if (ranks == 0 && threads == 0) {
    throw bad_times(name, "it tells neither its ranks nor its threads", "give a log with its head");
  }
  if (ranks == 0) times.notes.push_back(fmt::format("{} tells no MPI processes: it counts as one rank", name));
  if (threads == 0) times.notes.push_back(fmt::format("{} tells no OpenMP threads: it counts as one per rank", name));
  add_run(times, wishes, {std::max(1, ranks), std::max(1, threads), std::max(1, nodes)}, wall_s, place);
  return true;
}

}  // namespace paceline
