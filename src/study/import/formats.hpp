// One function a family of formats. `name`: of the file, for places and messages.
#pragma once

#include <string>

#include "study/import/times.hpp"

namespace paceline {

/// A rectangle of texts with names: what tables of any look become before they are read.
struct NamedRows {
  std::string format;
  std::vector<std::string> names;
  struct Row {
    std::vector<std::string> cells;
    std::size_t line = 0;  ///< of the file, counted from 1
  };
  std::vector<Row> rows;
  bool decimal_comma = false;
};

/// Tables: comma, semicolon or tab (RFC 4180 quotes), ReFrame's `|`, JUBE's pretty table. Throws Error (input).
NamedRows split_table(const std::string& text, const std::string& name, TimesFormat format);
/// Finds the columns of layouts and times, and adds a run a row. Throws Error: usage for a column that is not there,
/// input for what is missing or bad.
void import_rows(const NamedRows& rows, const std::string& name, const ImportWishes& wishes, ImportedTimes& times);

/// hyperfine, Google Benchmark, ReFrame's report, Extra-P's JSON and JSON lines. `format`: automatic takes whichever it
/// looks like; returns false when it is none of them.
bool import_json(const std::string& text, const std::string& name, const ImportWishes& wishes, ImportedTimes& times);

/// Extra-P's text format, and the logs of LAMMPS and GROMACS. They return false for a file of another kind.
bool import_extra_p(const std::string& text, const std::string& name, const ImportWishes& wishes, ImportedTimes& times);
bool import_lammps(const std::string& text, const std::string& name, const ImportWishes& wishes, ImportedTimes& times);
bool import_gromacs(const std::string& text, const std::string& name, const ImportWishes& wishes, ImportedTimes& times);

}  // namespace paceline
