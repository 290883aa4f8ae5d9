#include "study/measure/binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "host/text.hpp"

namespace paceline {
namespace {

/// Threads of one host and a core for each, by augmenting paths (H. W. Kuhn, The Hungarian method for the assignment
/// problem, Naval Research Logistics Quarterly 2, 1955, for weights 0 and 1).
class Matching {
 public:
  explicit Matching(const std::vector<const std::vector<int>*>& threads) : threads_(threads) {}

  /// False when no core is left for the thread; then crowd() tells who shares which cores.
  bool place(std::size_t thread) {
    crowded_threads_.clear();
    crowded_cores_.clear();
    return search(thread);
  }
  [[nodiscard]] const std::set<std::size_t>& crowd() const { return crowded_threads_; }
  [[nodiscard]] const std::set<int>& cores() const { return crowded_cores_; }

 private:
  bool search(std::size_t thread) {
    crowded_threads_.insert(thread);
    for (const int core : *threads_[thread]) {
      if (!crowded_cores_.insert(core).second) continue;
      const auto owner = owner_.find(core);
      if (owner == owner_.end() || search(owner->second)) {
        owner_[core] = thread;
        return true;
      }
    }
    return false;
  }

  const std::vector<const std::vector<int>*>& threads_;
  std::map<int, std::size_t> owner_;
  std::set<std::size_t> crowded_threads_;
  std::set<int> crowded_cores_;
};

}  // namespace

std::vector<ProbedProcess> parse_probe(const std::string& output) {
  std::vector<ProbedProcess> found;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find("{\"paceline_probe\"");
    if (begin == std::string::npos) continue;
    const auto json = nlohmann::json::parse(line.substr(begin), nullptr, false);
    try {
      ProbedProcess process{json.at("host"), json.at("rank"), json.at("pid"), {}};
      for (const std::string text : json.at("cores")) process.cores.push_back(numbers_in(text));
      found.push_back(std::move(process));
    } catch (const nlohmann::json::exception&) {
      continue;  // a line in pieces is a process that was not seen
    }
  }
  return found;
}

std::optional<std::string> why_badly_bound(const std::vector<ProbedProcess>& found, int processes, int threads) {
  std::map<std::string, std::vector<const std::vector<int>*>> hosts;
  std::set<std::pair<std::string, int>> distinct;
  for (const auto& process : found) {
    distinct.emplace(process.host, process.pid);
    if (static_cast<int>(process.cores.size()) != threads) {
      return fmt::format("rank {} has {} instead of {}", process.rank, plural(process.cores.size(), "thread"), threads);
    }
    for (const auto& cores : process.cores) hosts[process.host].push_back(&cores);
  }
  if (static_cast<int>(distinct.size()) != processes) {
    return fmt::format("{} process{} started instead of {}", distinct.size(), distinct.size() == 1 ? "" : "es",
                       processes);
  }
  for (const auto& [host, all] : hosts) {
    Matching matching(all);
    for (std::size_t thread = 0; thread < all.size(); ++thread) {
      if (matching.place(thread)) continue;
      const std::vector<int> cores(matching.cores().begin(), matching.cores().end());
      return fmt::format("{} share {} of {} ({})", plural(matching.crowd().size(), "thread"),
                         plural(cores.size(), "core"), host, ranges(cores));
    }
  }
  return std::nullopt;
}

std::string ranges(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    auto last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ' ';
    text += last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return text;
}

std::vector<int> numbers_in(const std::string& ranges) {
  std::vector<int> numbers;
  const char* at = ranges.data();
  const char* const end = at + ranges.size();
  while (at < end) {
    int first = 0;
    const auto begin = std::from_chars(at, end, first);
    if (begin.ec != std::errc()) {
      ++at;  // a separator
      continue;
    }
    at = begin.ptr;
    int last = first;
    if (at < end && *at == '-') at = std::from_chars(at + 1, end, last).ptr;
    for (int number = first; number <= last; ++number) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace paceline
