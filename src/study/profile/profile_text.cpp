#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "host/text.hpp"
#include "study/profile/profile.hpp"

namespace paceline {
namespace {

/// Below it, POP's centres look closer.
constexpr double good = 0.8;

std::string line(int depth, std::string_view name, double value, std::string_view sentence) {
  const std::string label = std::string(static_cast<std::size_t>(2 * depth), ' ') + std::string(name);
  return fmt::format("  {:<22}{:6.1f} %{} {}\n", label, 100 * value, value < good ? " <" : "  ", sentence);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

/// "of MPI time" by class, largest first.
std::string mpi_line(const std::vector<ProcessRecord>& records) {
  constexpr std::string_view names[] = {"point to point", "collective", "one-sided", "MPI-IO", "waiting, as told"};
  struct Row {
    std::string_view name;
    CallTotals sum;
  };
  std::vector<Row> rows;
  double all_s = 0;
  for (std::size_t i = 0; i < call_classes.size(); ++i) {
    Row row{names[i], {}};
    for (const auto& record : records) {
      row.sum.calls += record.calls[i].calls;
      row.sum.bytes += record.calls[i].bytes;
      row.sum.seconds += record.calls[i].seconds;
    }
    all_s += row.sum.seconds;
    if (row.sum.calls > 0) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.sum.seconds > b.sum.seconds; });
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("  {:<22}{:6.1f} %   {:.4g} s in {} calls", row.name,
                        all_s > 0 ? 100 * row.sum.seconds / all_s : 0.0, row.sum.seconds, row.sum.calls);
    if (row.sum.bytes > 0) text += fmt::format(", at least {:.4g} MB", static_cast<double>(row.sum.bytes) / 1e6);
    text += "\n";
  }
  return text.empty() ? text : "MPI calls, of the time that all ranks spend in MPI\n" + text;
}

std::string memory_line(const std::vector<ProcessRecord>& records) {
  const auto largest = std::max_element(records.begin(), records.end(),
                                        [](const auto& a, const auto& b) { return a.max_rss_bytes < b.max_rss_bytes; });
  const double sum = std::accumulate(records.begin(), records.end(), 0.0, [](double total, const auto& record) {
    return total + static_cast<double>(record.max_rss_bytes);
  });
  const double most = static_cast<double>(largest->max_rss_bytes) / 1e6;
  if (records.size() == 1) return fmt::format("memory: {:.4g} MB at most\n", most);
  return fmt::format("memory: {:.4g} MB at most on rank {}, {:.4g} MB on all ranks\n", most, largest->rank, sum / 1e6);
}

std::string mpi_part(const Profile& profile, const Efficiencies& found) {
  const auto& mpi = *found.mpi;
  const auto& slowest = profile.processes[static_cast<std::size_t>(found.slowest_rank)];
  std::string text =
      line(1, "MPI", mpi.efficiency, fmt::format("{} of the core time is lost to MPI", percent(1 - mpi.efficiency)));
  if (profile.ranks > 1) {
    text += line(2, "load balance", mpi.load_balance,
                 mpi.load_balance > 0.995
                     ? "all ranks have about the same work"
                     : fmt::format("rank {} on {} has the most work, {} more than the average: the others wait for it",
                                   slowest.rank, slowest.host, percent(1 / mpi.load_balance - 1)));
  } else {
    text += line(2, "load balance", mpi.load_balance, "there is one rank");
  }
  text += line(2, "communication", mpi.communication,
               fmt::format("even rank {}, which has the most work, spends {} of the time in MPI", slowest.rank,
                           percent(1 - mpi.communication)));
  return text;
}

std::string openmp_part(const OpenMpEfficiency& openmp) {
  std::string text = line(1, "OpenMP", openmp.efficiency,
                          fmt::format("{} of what MPI leaves is lost between threads", percent(1 - openmp.efficiency)));
  text += line(
      2, "serial", openmp.serial,
      fmt::format("threads are idle for {} of it beside code outside parallel regions", percent(1 - openmp.serial)));
  text += line(2, "load balance", openmp.load_balance, "threads of a region wait for the one with the most work");
  text += line(2, "scheduling", openmp.scheduling, "regions that begin and end, locks, handing out work");
  return text;
}

/// The factor to look at first.
std::string largest_loss(const Efficiencies& found) {
  struct Factor {
    double value;
    std::string_view advice;
  };
  std::vector<Factor> factors;
  if (found.mpi) {
    factors.push_back({found.mpi->load_balance, "the balance between ranks: give all the same work"});
    factors.push_back({found.mpi->communication, "communication: send less often, or compute while messages travel"});
  }
  if (found.openmp) {
    factors.push_back({found.openmp->serial, "code outside parallel regions: make it parallel, or use fewer threads"});
    factors.push_back(
        {found.openmp->load_balance, "the balance between threads: try schedule(dynamic) or smaller pieces"});
    factors.push_back({found.openmp->scheduling, "OpenMP itself: make regions longer, pieces larger, locks fewer"});
  }
  if (factors.empty()) return {};
  const auto least = std::min_element(factors.begin(), factors.end(),
                                      [](const Factor& a, const Factor& b) { return a.value < b.value; });
  if (least->value > 0.95) return "nothing stands out: each factor is above 95 %\n";
  return fmt::format("most is lost to {}\n", least->advice);
}

}  // namespace

std::string profile_text(const Profile& profile) {
  std::string text = fmt::format("paceline profile: {}\n", profile.command);
  if (!profile.efficiencies) {
    text += fmt::format("efficiencies: not measured ({})\n", profile.why_not);
  } else {
    const auto& found = *profile.efficiencies;
    text += fmt::format("  {} x {}, {:.4g} s{}\n", plural(profile.ranks, "rank"), plural(profile.threads, "thread"),
                        found.elapsed_s, found.mpi ? " between MPI_Init and MPI_Finalize" : "");
    int cores = 0;
    for (const auto& record : profile.processes) cores += record.threads;
    text +=
        line(0, "parallel efficiency", found.parallel,
             fmt::format("of {}, {:.3g} did useful work on average", plural(cores, "core"), cores * found.parallel));
    text += found.mpi ? mpi_part(profile, found) : "  MPI is not used\n";
    text += found.openmp ? openmp_part(*found.openmp) : "  no OpenMP was seen: there is no parallel region\n";
    text += largest_loss(found);
    text += mpi_line(profile.processes);
    text += memory_line(profile.processes);
  }
  for (const auto& warning : profile.warnings) text += fmt::format("warning: {}\n", warning);
  return text;
}

}  // namespace paceline
