#include "study/study_tables.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <limits>

#include <paceline/error.hpp>

namespace paceline {
namespace {

constexpr std::int64_t most_ranks = std::int64_t{1} << 24;
constexpr auto most_int32 = std::int64_t{std::numeric_limits<std::int32_t>::max()};

struct Phase {
  const char* name;
  double PhaseTimes::*seconds;
};
constexpr Phase phases[] = {{"init_s", &PhaseTimes::init_s},
                            {"plan_s", &PhaseTimes::plan_s},
                            {"scatter_s", &PhaseTimes::scatter_s},
                            {"compute_s", &PhaseTimes::compute_s},
                            {"gather_s", &PhaseTimes::gather_s},
                            {"write_s", &PhaseTimes::write_s},
                            {"compute_mean_s", &PhaseTimes::compute_mean_s},
                            {"serial_s", &PhaseTimes::serial_s}};

/// Makes the columns of a table from rows of any kind.
template <class Row>
class ColumnMaker {
 public:
  explicit ColumnMaker(const std::vector<Row>& rows) : rows_(rows) {}
  template <class Get>
  void integers(const char* name, CellType type, Get&& get) {
    TypedColumn column{name, type, {}, {}, {}};
    for (const auto& row : rows_) column.integers.push_back(static_cast<std::int64_t>(get(row)));
    columns_.push_back(std::move(column));
  }
  template <class Get>
  void numbers(const char* name, Get&& get) {
    TypedColumn column{name, CellType::float64, {}, {}, {}};
    for (const auto& row : rows_) column.numbers.push_back(get(row));
    columns_.push_back(std::move(column));
  }
  template <class Get>
  void texts(const char* name, Get&& get) {
    TypedColumn column{name, CellType::text, {}, {}, {}};
    for (const auto& row : rows_) column.texts.push_back(get(row));
    columns_.push_back(std::move(column));
  }
  [[nodiscard]] std::vector<TypedColumn> take() { return std::move(columns_); }

 private:
  const std::vector<Row>& rows_;
  std::vector<TypedColumn> columns_;
};

TypedTable samples_table(const std::vector<Sample>& samples) {
  ColumnMaker<Sample> columns(samples);
  columns.integers("ranks", CellType::int32, [](const Sample& s) { return s.layout.ranks; });
  columns.integers("threads", CellType::int32, [](const Sample& s) { return s.layout.threads; });
  columns.integers("nodes", CellType::int32, [](const Sample& s) { return s.layout.nodes; });
  columns.integers("repeat", CellType::int32, [](const Sample& s) { return s.repeat; });
  columns.integers("order", CellType::int32, [](const Sample& s) { return s.order; });
  columns.integers("warmup", CellType::boolean, [](const Sample& s) { return s.warmup; });
  columns.numbers("wall_s", [](const Sample& s) { return s.wall_s; });
  for (const auto& phase : phases) {
    columns.numbers(phase.name, [&](const Sample& s) { return s.phases.*phase.seconds; });
  }
  columns.integers("max_rss_bytes", CellType::int64, [](const Sample& s) { return s.max_rss_bytes; });
  columns.integers("sum_rss_bytes", CellType::int64, [](const Sample& s) { return s.sum_rss_bytes; });
  columns.texts("digest", [](const Sample& s) { return s.digest; });
  columns.texts("status", [](const Sample& s) { return to_string(s.status); });
  columns.integers("bound_ok", CellType::boolean, [](const Sample& s) { return s.bound_ok; });
  columns.texts("started", [](const Sample& s) { return s.started; });
  return {samples_path, "s", columns.take()};
}

using LeftOut = std::pair<Layout, std::string>;

TypedTable left_out_table(const std::vector<LeftOut>& left_out) {
  ColumnMaker<LeftOut> columns(left_out);
  columns.integers("ranks", CellType::int32, [](const LeftOut& l) { return l.first.ranks; });
  columns.integers("threads", CellType::int32, [](const LeftOut& l) { return l.first.threads; });
  columns.integers("nodes", CellType::int32, [](const LeftOut& l) { return l.first.nodes; });
  columns.texts("reason", [](const LeftOut& l) { return l.second; });
  return {left_out_path, "", columns.take()};
}

int checked(const TypedTable& table, const char* name, std::size_t row, std::int64_t least, std::int64_t most) {
  const auto value = table.integers(name)[row];
  if (value < least || value > most) {
    throw Error(ErrorKind::failure, fmt::format("{} has {} {} in row {}", table.path, value, name, row));
  }
  return static_cast<int>(value);
}

Layout layout_of(const TypedTable& table, std::size_t row) {
  Layout layout{checked(table, "ranks", row, 1, most_ranks), checked(table, "threads", row, 1, most_ranks),
                checked(table, "nodes", row, 1, most_ranks)};
  if (std::int64_t{layout.ranks} * layout.threads > most_int32) {
    throw Error(ErrorKind::failure, fmt::format("{} has too many cores in row {}", table.path, row));
  }
  return layout;
}

SampleStatus status_of(const std::string& text) {
  for (const auto status : {SampleStatus::ok, SampleStatus::failed, SampleStatus::timed_out, SampleStatus::no_time}) {
    if (text == to_string(status)) return status;
  }
  throw Error(ErrorKind::failure, fmt::format("{} has an unknown status", samples_path));
}

/// Files of 0.1.0 have none.
std::int64_t optional_integer(const TypedTable& table, const char* name, std::size_t row) {
  return table.find(name) == nullptr ? -1 : table.integers(name)[row];
}

}  // namespace

std::string to_string(SampleStatus status) {
  switch (status) {
    case SampleStatus::ok: return "ok";
    case SampleStatus::timed_out: return "timed_out";
    case SampleStatus::no_time: return "no_time";
    default: return "failed";
  }
}

TableFile file_of(const Study& study) {
  TableFile file;
  file.attributes = {{"software", "paceline"},
                     {"software_version", PACELINE_VERSION},
                     {"command", study.info.command},
                     {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
  NamedTexts about = {
      {"command", study.info.command}, {"launcher", study.info.launcher}, {"mode", name_of(study.info.mode)}};
  about.insert(about.end(), study.info.machine.begin(), study.info.machine.end());
  file.groups.emplace_back("/study", std::move(about));
  file.tables = {samples_table(study.samples), left_out_table(study.left_out)};
  file.tables.insert(file.tables.end(), study.more_tables.begin(), study.more_tables.end());
  return file;
}

Study study_of(const TableFile& file) {
  Study study;
  bool has_mode = false;
  for (const auto& [name, value] : *file.group("/study")) {
    if (name == "command") {
      study.info.command = value;
    } else if (name == "launcher") {
      study.info.launcher = value;
    } else if (name == "mode") {
      const auto mode = scaling_modes.find(value);
      if (mode == scaling_modes.end()) throw Error(ErrorKind::failure, "its mode is neither strong nor weak");
      study.info.mode = mode->second;
      has_mode = true;
    } else {
      study.info.machine.emplace_back(name, value);
    }
  }
  if (!has_mode) throw Error(ErrorKind::failure, "/study has no attribute mode");
  for (const auto& table : file.tables) {
    if (table.path == samples_path) {
      for (std::size_t row = 0; row < table.rows(); ++row) {
        Sample sample;
        sample.layout = layout_of(table, row);
        sample.repeat = checked(table, "repeat", row, 0, most_int32 - 1);
        sample.order = checked(table, "order", row, 0, most_int32 - 1);
        sample.warmup = checked(table, "warmup", row, 0, 1) != 0;
        sample.wall_s = table.numbers("wall_s")[row];
        for (const auto& phase : phases) sample.phases.*phase.seconds = table.numbers(phase.name)[row];
        sample.max_rss_bytes = optional_integer(table, "max_rss_bytes", row);
        sample.sum_rss_bytes = optional_integer(table, "sum_rss_bytes", row);
        sample.digest = table.texts("digest")[row];
        sample.status = status_of(table.texts("status")[row]);
        sample.bound_ok = checked(table, "bound_ok", row, 0, 1) != 0;
        sample.started = table.texts("started")[row];
        study.samples.push_back(std::move(sample));
      }
    } else if (table.path == left_out_path) {
      for (std::size_t row = 0; row < table.rows(); ++row) {
        study.left_out.emplace_back(layout_of(table, row), table.texts("reason")[row]);
      }
    } else if (table.path.starts_with("/study/")) {
      study.more_tables.push_back(table);
    }
  }
  if (file.table(left_out_path) == nullptr) throw Error(ErrorKind::failure, fmt::format("it has no {}", left_out_path));
  return study;
}

}  // namespace paceline
