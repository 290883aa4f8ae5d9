// Which of the processes that wrote a record make up the job, and what makes its numbers doubtful.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "study/profile/profile.hpp"

namespace paceline {
namespace {

using Records = std::vector<ProcessRecord>;

std::string name(const ProcessRecord& record) {
  return record.uses_mpi ? fmt::format("rank {} on {}", record.rank, record.host)
                         : fmt::format("{} on {}", record.program, record.host);
}

/// Why these ranks are not one whole job; empty when they are.
std::string trouble_with(const Records& ranks) {
  const int expected = ranks.front().ranks;
  std::set<int> numbers;
  for (const auto& record : ranks) {
    if (record.rank < 0) return "this MPI is neither Open MPI nor of MPICH's family, so ranks can't be told apart";
    if (record.ranks != expected || !numbers.insert(record.rank).second) {
      return "several MPI programs ran; profile one at a time";
    }
  }
  std::vector<int> missing;
  for (int rank = 0; rank < expected; ++rank) {
    if (!numbers.contains(rank)) missing.push_back(rank);
  }
  if (missing.empty()) return {};
  const auto count = missing.size();
  if (missing.size() > 8) missing.resize(8);
  return fmt::format(
      "{} of {} ranks left no record (rank {}{}); they were killed, replaced their program by exec, or run on a node "
      "that does not see this folder",
      count, expected, fmt::join(missing, ", "), count > missing.size() ? ", ..." : "");
}

/// Processes that have MPI are the job; without any, the one that ran longest.
Records job_of(Records records, std::vector<std::string>& warnings) {
  Records job;
  std::copy_if(records.begin(), records.end(), std::back_inserter(job), [](const auto& r) { return r.uses_mpi; });
  if (job.empty() && !records.empty()) {
    job.push_back(*std::max_element(records.begin(), records.end(),
                                    [](const auto& a, const auto& b) { return a.elapsed_s < b.elapsed_s; }));
  }
  if (const auto others = records.size() - job.size(); others > 0) {
    warnings.push_back(
        fmt::format("{} more {} OpenMP without MPI: {} not counted; {}", others,
                    others == 1 ? "process used" : "processes used", others == 1 ? "it is" : "they are",
                    job.front().uses_mpi ? "MPI ranks started them or ran beside them" : "the longest is shown"));
  }
  return job;
}

void warn_of_sharing(const Records& job, std::vector<std::string>& warnings) {
  std::map<std::string, std::pair<int, std::set<int>>> hosts;  // threads, processors
  for (const auto& record : job) {
    auto& [threads, cpus] = hosts[record.host];
    threads += record.threads;
    cpus.insert(record.cpus.begin(), record.cpus.end());
    if (!record.cpus.empty() && record.threads > static_cast<int>(record.cpus.size())) {
      warnings.push_back(fmt::format("{} has {} threads on {} processors: they wait for each other; bind it to more",
                                     name(record), record.threads, record.cpus.size()));
      return;
    }
  }
  for (const auto& [host, use] : hosts) {
    const auto& [threads, cpus] = use;
    if (!cpus.empty() && threads > static_cast<int>(cpus.size())) {
      warnings.push_back(
          fmt::format("{} threads share {} processors on {}: the factors mean little", threads, cpus.size(), host));
      return;
    }
  }
}

void warn_of_cpu_time(const Records& job, std::vector<std::string>& warnings) {
  double useful_s = 0, cpu_s = 0;
  for (const auto& record : job) {
    useful_s += record.useful_s;
    cpu_s += record.cpu_s;
  }
  if (useful_s - cpu_s > std::max(0.1, 0.1 * useful_s)) {
    warnings.push_back(
        fmt::format("{:.3g} s of useful work got {:.3g} s of CPU time: cores are shared with others, or "
                    "the program waits for files or devices",
                    useful_s, cpu_s));
  }
  for (const auto& record : job) {
    const double most_s = record.threads * record.elapsed_s;
    if (record.cpu_s <= 1.05 * most_s + 0.1) continue;
    warnings.push_back(
        fmt::format("{} used {:.3g} s of CPU time, and its {} had {:.3g} s: threads that are not OpenMP's (pthreads, "
                    "TBB) work unseen",
                    name(record), record.cpu_s,
                    record.threads == 1 ? "thread" : fmt::format("{} threads", record.threads), most_s));
    break;
  }
}

void warn_of_libraries(const Records& job, std::vector<std::string>& warnings) {
  std::set<std::string> libraries;
  for (const auto& record : job) libraries.insert(record.unseen.begin(), record.unseen.end());
  for (const auto& library : libraries) {
    warnings.push_back(library == "TBB" ? "TBB is loaded: what its threads do is not seen"
                                        : library +
                                              " is loaded: what a GPU does is not seen, and waiting for it counts "
                                              "as useful");
  }
}

}  // namespace

Profile make_profile(std::string command, std::vector<ProcessRecord> records) {
  Profile profile;
  profile.command = std::move(command);
  profile.processes = job_of(std::move(records), profile.warnings);
  const auto& job = profile.processes;
  if (job.empty()) {
    profile.why_not =
        "no process left a record: none used MPI or OpenMP in libraries that are loaded when it starts, or all were "
        "killed";
    return profile;
  }
  profile.ranks = job.front().uses_mpi ? job.front().ranks : 1;
  for (const auto& record : job) profile.threads = std::max(profile.threads, record.threads);
  if (job.front().uses_mpi) profile.why_not = trouble_with(job);
  if (!profile.why_not.empty()) return profile;
  profile.efficiencies = efficiencies(job);
  const auto unfinished = std::find_if(job.begin(), job.end(), [](const auto& r) { return !r.is_finalized; });
  if (job.front().uses_mpi && unfinished != job.end()) {
    profile.warnings.push_back(
        fmt::format("{} ended without MPI_Finalize: what it did until it ended counts", name(*unfinished)));
  }
  warn_of_sharing(job, profile.warnings);
  warn_of_cpu_time(job, profile.warnings);
  warn_of_libraries(job, profile.warnings);
  return profile;
}

}  // namespace paceline
