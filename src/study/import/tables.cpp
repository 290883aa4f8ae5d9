// Tables of text: split into named cells, then read by the names of their columns.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "host/text.hpp"
#include "study/import/formats.hpp"
#include "workloads/table/records.hpp"

namespace paceline {
namespace {

std::vector<std::string> cells_of(const std::string& line, char delimiter) {
  table::Dialect dialect;
  dialect.delimiter = delimiter;
  std::vector<std::string> cells;
  for (const auto& record : table::records_reference(line, dialect)) {
    for (const auto& field : record) cells.emplace_back(trimmed(table::text_of(field)));
  }
  return cells;
}

/// "-----+----", "|---|:--:|", "====": the rule below a table's head.
bool is_rule(const std::string& line) {
  return line.find('-') != std::string::npos && line.find_first_not_of("-+|:= \t") == std::string::npos;
}

/// The delimiter that most fields of the head are apart by; the field is found in `line`.
char delimiter_of(const std::string& line) {
  char best = ',';
  std::size_t most = 0;
  for (const char c : {';', '\t', '|', ','}) {
    const auto count = static_cast<std::size_t>(std::count(line.begin(), line.end(), c));
    if (count > most) {
      best = c;
      most = count;
    }
  }
  return best;
}

struct Head {
  std::string name;  ///< lower case, without its unit and hyperfine's prefix
  std::optional<double> unit_s;
};

/// "time[ms]", "Wall clock (s)", "parameter_ranks", "elapsed_ms".
Head head_of(const std::string& text) {
  Head head{lower(text), std::nullopt};
  for (const auto& [open, close] : {std::pair('[', ']'), std::pair('(', ')')}) {
    const auto begin = head.name.find(open);
    const auto end = head.name.find(close);
    if (begin == std::string::npos || end == std::string::npos || end < begin) continue;
    if (const auto unit = seconds_in_unit(head.name.substr(begin + 1, end - begin - 1))) {
      head.unit_s = unit;
      head.name = std::string(trimmed(head.name.substr(0, begin)));
    }
  }
  if (head.name.starts_with("parameter_")) head.name = head.name.substr(10);
  if (const auto at = head.name.rfind('_'); at != std::string::npos && !head.unit_s && at > 0) {
    const auto unit = head.name.substr(at + 1);
    if (unit == "s" || unit == "ms" || unit == "us" || unit == "ns" || unit == "min") {
      head.unit_s = seconds_in_unit(unit);
      if (head.name != "wall_s") head.name = head.name.substr(0, at);
    }
  }
  std::replace(head.name.begin(), head.name.end(), ' ', '_');
  return head;
}

using Names = std::vector<const char*>;

const Names rank_names = {"ranks",     "np",        "nprocs",    "tasks", "num_tasks",
                          "mpi_ranks", "mpi_tasks", "processes", "procs"};
const Names core_names = {"cores", "processors", "num_cores", "ncores", "number_of_cores", "p", "n"};
const Names thread_names = {"threads", "num_threads", "num_cpus_per_task", "threadspertask", "threads_per_rank", "omp"};
const Names node_names = {"nodes", "num_nodes", "nnodes", "number_of_nodes"};
const Names time_names = {"time",     "seconds",         "wall_s",   "elapsed",   "wall",
                          "walltime", "wall_time",       "time_avg", "wallclock", "mean",
                          "duration", "wall_clock_time", "time_s"};
const Names rate_names = {"rate", "throughput"};

class ColumnFinder {
 public:
  ColumnFinder(const NamedRows& rows, const std::string& file) : rows_(rows), file_(file) {
    for (const auto& name : rows.names) heads_.push_back(head_of(name));
  }

  /// The column that was asked for by name, else the first that has one of the usual names.
  std::optional<std::size_t> find(const std::string& option, const std::string& wish, const Names& usual) const {
    for (std::size_t c = 0; c < heads_.size() && !wish.empty(); ++c) {
      if (lower(rows_.names[c]) == lower(wish) || heads_[c].name == lower(wish)) return c;
    }
    if (!wish.empty()) {
      throw Error(ErrorKind::usage, fmt::format("{} {}: {} has no such column", option, wish, file_),
                  fmt::format("it has {}", fmt::join(rows_.names, ", ")), "give one of these names");
    }
    for (const char* name : usual) {
      for (std::size_t c = 0; c < heads_.size(); ++c) {
        if (heads_[c].name == name) return c;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] const Head& head(std::size_t column) const { return heads_[column]; }

 private:
  const NamedRows& rows_;
  const std::string& file_;
  std::vector<Head> heads_;
};

/// ReFrame's performance log: NAME_value with NAME_unit beside. The one whose unit is a time.
std::optional<std::size_t> reframe_time(const NamedRows& rows, double& unit_s) {
  for (std::size_t c = 0; c < rows.names.size(); ++c) {
    const auto& name = rows.names[c];
    if (!name.ends_with("_value") || rows.rows.empty()) continue;
    const auto unit_name = name.substr(0, name.size() - 6) + "_unit";
    const auto at = std::find(rows.names.begin(), rows.names.end(), unit_name);
    if (at == rows.names.end()) continue;
    const auto place = static_cast<std::size_t>(at - rows.names.begin());
    if (place >= rows.rows.front().cells.size()) continue;
    if (const auto unit = seconds_in_unit(rows.rows.front().cells[place])) {
      unit_s = *unit;
      return c;
    }
  }
  return std::nullopt;
}

}  // namespace

NamedRows split_table(const std::string& text, const std::string& name, TimesFormat format) {
  const auto lines = lines_of(text);
  NamedRows table;
  table.format = "a table";
  char delimiter = 0;
  bool has_rule = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto line = std::string(trimmed(lines[i]));
    if (i == 0 && line.starts_with("\xef\xbb\xbf")) line = line.substr(3);
    if (line.empty() || line.front() == '#') continue;
    if (is_rule(line)) {
      has_rule = true;
      continue;
    }
    if (delimiter == 0) {
      // JUBE puts the table's name above it.
      if (line.back() == ':' && line.find_first_of(",;|\t") == std::string::npos) continue;
      delimiter = delimiter_of(line);
      table.decimal_comma = delimiter == ';' || delimiter == '\t';
    }
    if (delimiter == '|' && line.front() == '|') line = line.substr(1);
    if (delimiter == '|' && !line.empty() && line.back() == '|') line.pop_back();
    auto cells = cells_of(line, delimiter);
    if (table.names.empty()) {
      table.names = std::move(cells);
      continue;
    }
    if (cells.size() != table.names.size()) {
      throw bad_times(fmt::format("{}:{}", name, i + 1),
                      fmt::format("it has {} fields where the head has {}", cells.size(), table.names.size()),
                      "correct the line");
    }
    table.rows.push_back({std::move(cells), i + 1});
  }
  if (table.names.empty()) throw bad_times(name, "it is empty", "name a file with times");
  if (format == TimesFormat::jube || (delimiter == '|' && has_rule)) table.format = "a table of JUBE";
  if (format == TimesFormat::reframe || (delimiter == '|' && !has_rule)) table.format = "a performance log of ReFrame";
  return table;
}

void import_rows(const NamedRows& rows, const std::string& name, const ImportWishes& wishes, ImportedTimes& times) {
  const ColumnFinder columns(rows, name);
  times.format = rows.format;
  auto ranks = columns.find("--ranks", wishes.ranks, rank_names);
  const auto threads = columns.find("--threads", wishes.threads, thread_names);
  const auto nodes = columns.find("--nodes", wishes.nodes, node_names);
  if (!ranks) {
    // Cores alone are ranks of one thread; beside threads they are ranks x threads.
    if (const auto cores = columns.find("", "", core_names)) {
      ranks = cores;
      if (threads) {
        throw bad_times(name, "it tells cores and threads but no ranks, so that it is not clear what its cores are",
                        fmt::format("name the column of ranks by --ranks, for example --ranks {}", rows.names[*cores]));
      }
    }
  }
  if (!ranks && !threads) {
    throw bad_times(name,
                    fmt::format("no column tells ranks, threads or cores; it has {}", fmt::join(rows.names, ", ")),
                    "name the column by --ranks or --threads");
  }
  double unit_s = 1;
  auto time = wishes.rate.empty() ? columns.find("--time", wishes.time, time_names) : std::nullopt;
  const auto rate = time ? std::nullopt : columns.find("--rate", wishes.rate, rate_names);
  if (time && columns.head(*time).unit_s) unit_s = *columns.head(*time).unit_s;
  if (!time && !rate) time = reframe_time(rows, unit_s);
  if (!time && !rate) {
    throw bad_times(name, fmt::format("no column is known as a time; it has {}", fmt::join(rows.names, ", ")),
                    "name the column by --time, or by --rate if it is a throughput");
  }
  if (wishes.unit_s) unit_s = *wishes.unit_s;
  const std::size_t value = time.value_or(rate.value_or(0));
  for (const auto& row : rows.rows) {
    const auto place = fmt::format("{}:{}", name, row.line);
    const auto count = [&](const std::optional<std::size_t>& column) {
      if (!column) return std::optional(1);
      return count_in(row.cells[*column]);
    };
    const auto r = count(ranks), t = count(threads), n = count(nodes);
    const auto number = number_in(row.cells[value], rows.decimal_comma);
    std::string why;
    for (const auto& [found, column] : {std::pair(r, ranks), std::pair(t, threads), std::pair(n, nodes)}) {
      if (!found) why = fmt::format("{} is {}, which is not a count from 1", rows.names[*column], row.cells[*column]);
    }
    if (!number) why = fmt::format("{} is \"{}\", which is not a number", rows.names[value], row.cells[value]);
    if (!why.empty()) {
      if (!wishes.skip_bad) throw bad_times(place, why, "correct it, or leave such rows out by --skip-bad");
      times.notes.push_back(fmt::format("{} is left out: {}", place, why));
      continue;
    }
    add_run(times, wishes, {*r, *t, *n}, time ? *number * unit_s : *number > 0 ? 1 / *number : -1, place);
  }
  times.are_rates = rate.has_value();
  if (rate)
    times.notes.push_back(
        fmt::format("{}: the column {} is a throughput, so times are its inverse", name, rows.names[value]));
  if (!ranks) times.notes.push_back(fmt::format("{} tells no ranks: each run counts as one rank", name));
}

}  // namespace paceline
