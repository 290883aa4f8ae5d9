#include "study/profile/efficiency_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <paceline/error.hpp>

namespace paceline {
namespace {

constexpr const char* efficiency_path = "/study/efficiency";

struct NumberColumn {
  const char* name;
  double EfficiencyRow::*value;
};
constexpr NumberColumn number_columns[] = {{"wall_s", &EfficiencyRow::wall_s},
                                           {"elapsed_s", &EfficiencyRow::elapsed_s},
                                           {"useful_s", &EfficiencyRow::useful_s},
                                           {"parallel_efficiency", &EfficiencyRow::parallel},
                                           {"mpi", &EfficiencyRow::mpi},
                                           {"mpi_load_balance", &EfficiencyRow::mpi_load_balance},
                                           {"mpi_communication", &EfficiencyRow::mpi_communication},
                                           {"openmp", &EfficiencyRow::openmp},
                                           {"openmp_serial", &EfficiencyRow::openmp_serial},
                                           {"openmp_load_balance", &EfficiencyRow::openmp_load_balance},
                                           {"openmp_scheduling", &EfficiencyRow::openmp_scheduling}};
struct LayoutColumn {
  const char* name;
  int Layout::*value;
};
constexpr LayoutColumn places[] = {{"ranks", &Layout::ranks}, {"threads", &Layout::threads}, {"nodes", &Layout::nodes}};

bool is_before(const Layout& a, const Layout& b) { return a.cores() != b.cores() ? a.cores() < b.cores() : a < b; }

/// What the layout lost most by, of all factors and of the time that the work itself takes.
void compare(LayoutEfficiency& layout, const LayoutEfficiency& base, ScalingMode mode) {
  const double growth =
      mode == ScalingMode::weak ? static_cast<double>(layout.row.layout.cores()) / base.row.layout.cores() : 1;
  layout.computation = base.row.useful_s * growth / layout.row.useful_s;
  double most = 1;
  const auto look_at = [&](const char* words, double from, double to) {
    const double ratio = to / from;
    if (!(ratio < most)) return;
    most = ratio;
    layout.fell_most = words;
    layout.fell_from = from;
    layout.fell_to = to;
  };
  for (const auto& factor : efficiency_factors()) {
    // A layout without threads has lost nothing between them.
    const auto or_one = [](double value) { return std::isnan(value) ? 1 : value; };
    look_at(factor.words, or_one(base.row.*factor.value), or_one(layout.row.*factor.value));
  }
  look_at("the work itself, which takes more core-seconds", 1, layout.computation);
}

}  // namespace

EfficiencyRow efficiency_row(const Layout& layout, double wall_s, const Profile& profile) {
  EfficiencyRow row;
  row.layout = layout;
  row.wall_s = wall_s;
  row.why_not = profile.why_not;
  if (!profile.efficiencies) return row;
  const auto& found = *profile.efficiencies;
  row.elapsed_s = found.elapsed_s;
  row.useful_s = 0;
  for (const auto& process : profile.processes) row.useful_s += process.useful_s;
  row.parallel = found.parallel;
  if (found.mpi) {
    row.mpi = found.mpi->efficiency;
    row.mpi_load_balance = found.mpi->load_balance;
    row.mpi_communication = found.mpi->communication;
  }
  if (found.openmp) {
    row.openmp = found.openmp->efficiency;
    row.openmp_serial = found.openmp->serial;
    row.openmp_load_balance = found.openmp->load_balance;
    row.openmp_scheduling = found.openmp->scheduling;
  }
  return row;
}

TypedTable efficiency_table(const std::vector<EfficiencyRow>& rows) {
  TypedTable table{efficiency_path, "", {}};
  for (const auto& place : places) {
    TypedColumn column{place.name, CellType::int32, {}, {}, {}};
    for (const auto& row : rows) column.integers.push_back(row.layout.*place.value);
    table.columns.push_back(std::move(column));
  }
  for (const auto& number : number_columns) {
    TypedColumn column{number.name, CellType::float64, {}, {}, {}};
    for (const auto& row : rows) column.numbers.push_back(row.*number.value);
    table.columns.push_back(std::move(column));
  }
  TypedColumn why_not{"why_not", CellType::text, {}, {}, {}};
  for (const auto& row : rows) why_not.texts.push_back(row.why_not);
  table.columns.push_back(std::move(why_not));
  return table;
}

std::vector<EfficiencyRow> efficiency_rows(const Study& study) {
  std::vector<EfficiencyRow> rows;
  for (const auto& table : study.more_tables) {
    if (table.path != efficiency_path) continue;
    rows.resize(table.rows());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto& place : places) {
        const auto value = table.integers(place.name)[i];
        if (value < 1 || value > (1 << 24)) {
          throw Error(ErrorKind::input, "the study is damaged",
                      std::string(efficiency_path) + " has a layout that can't be", "measure it again");
        }
        rows[i].layout.*place.value = static_cast<int>(value);
      }
      for (const auto& number : number_columns) rows[i].*number.value = table.numbers(number.name)[i];
      rows[i].why_not = table.texts("why_not")[i];
    }
  }
  return rows;
}

const std::vector<NamedFactor>& efficiency_factors() {
  static const std::vector<NamedFactor> factors = {
      {"mpi_load_balance", "load balance between ranks", &EfficiencyRow::mpi_load_balance},
      {"mpi_communication", "communication", &EfficiencyRow::mpi_communication},
      {"openmp_serial", "serial code beside idle threads", &EfficiencyRow::openmp_serial},
      {"openmp_load_balance", "load balance between threads", &EfficiencyRow::openmp_load_balance},
      {"openmp_scheduling", "OpenMP's scheduling", &EfficiencyRow::openmp_scheduling}};
  return factors;
}

std::vector<LayoutEfficiency> layout_efficiencies(const Study& study) {
  std::map<Layout, std::vector<EfficiencyRow>> by_layout;
  for (auto& row : efficiency_rows(study)) by_layout[row.layout].push_back(std::move(row));
  std::vector<LayoutEfficiency> all;
  for (auto& [layout, rows] : by_layout) {
    LayoutEfficiency one;
    std::vector<double> walls;
    for (const auto& row : rows) {
      if (!std::isnan(row.wall_s)) walls.push_back(row.wall_s);
    }
    if (!walls.empty()) {
      std::nth_element(walls.begin(), walls.begin() + static_cast<std::ptrdiff_t>(walls.size() / 2), walls.end());
      one.probed_wall_s = walls[walls.size() / 2];
    }
    const auto measured =
        std::stable_partition(rows.begin(), rows.end(), [](const auto& r) { return r.why_not.empty(); });
    one.runs = static_cast<int>(measured - rows.begin());
    std::sort(rows.begin(), measured, [](const auto& a, const auto& b) { return a.parallel < b.parallel; });
    one.row = rows[static_cast<std::size_t>(one.runs / 2 < one.runs ? one.runs / 2 : 0)];
    all.push_back(std::move(one));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return is_before(a.row.layout, b.row.layout); });
  const auto base = std::find_if(all.begin(), all.end(), [](const auto& one) { return one.runs > 0; });
  for (auto& one : all) {
    if (one.runs == 0) continue;
    if (&one == &*base) {
      one.computation = 1;
    } else {
      compare(one, *base, study.info.mode);
    }
  }
  return all;
}

}  // namespace paceline
