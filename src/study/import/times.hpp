// Times that exist, as an importer finds them: a run a line, with the place that it comes from.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <paceline/error.hpp>

#include "study/sample.hpp"

namespace paceline {

enum class TimesFormat { automatic, csv, hyperfine, reframe, jube, extra_p, google_benchmark, lammps, gromacs };

/// How a file is to be read; empty names: columns are recognised by their usual names.
struct ImportWishes {
  TimesFormat format = TimesFormat::automatic;
  std::string ranks, threads, nodes, time, rate;
  std::optional<double> unit_s;  ///< seconds in a unit of time; nothing: what the file says, else seconds
  std::string command;           ///< of several in one file, the one that is meant
  bool skip_bad = false;
};

struct ImportedRun {
  Layout layout;
  double seconds = 0;
  std::string place;  ///< "times.csv:7"
};

struct ImportedTimes {
  std::string format;  ///< as a person calls it
  std::vector<ImportedRun> runs;
  std::vector<std::string> notes;  ///< what was left out or is doubtful, with its place
  bool are_rates = false;          ///< times are the inverse of a throughput
  std::string command;             ///< as the file tells it; may be empty
};

/// "{place}: {why}", as an error of the input.
inline Error bad_times(const std::string& place, const std::string& why, const std::string& suggestion) {
  return {ErrorKind::input, "can't import " + place, why, suggestion};
}

/// Adds a run. A time that is zero, negative or no number is an error, or with skip_bad a note.
void add_run(ImportedTimes& times, const ImportWishes& wishes, const Layout& layout, double seconds,
             const std::string& place);

/// The whole cell as a number; with `decimal_comma` 1,5 is one and a half.
std::optional<double> number_in(std::string_view text, bool decimal_comma = false);
/// A whole number from 1 to 2^24.
std::optional<int> count_in(std::string_view text);
/// Seconds in s, ms, us, ns, min or h; nothing for another word.
std::optional<double> seconds_in_unit(std::string_view unit);
std::string lower(std::string_view text);
/// Without their ends, of Windows too. What follows the last of these is a line if there is anything.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace paceline
