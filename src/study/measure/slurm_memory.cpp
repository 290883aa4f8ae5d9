#include "study/measure/slurm_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <thread>

#include "host/text.hpp"
#include "study/measure/process.hpp"

namespace paceline {
namespace {

constexpr const char* prefix = "paceline-run-";
// slurmctld hands ended steps on to the database in batches.
constexpr int looks = 4;
constexpr auto between_looks = std::chrono::seconds(2);

/// "123456K", "1.5M", "7340032".
std::optional<double> bytes_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || !std::isfinite(number)) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const auto power = std::string_view("KMGT").find(unit.empty() ? ' ' : unit.front());
  if (unit.empty()) return number;
  if (unit.size() > 1 || power == std::string_view::npos) return std::nullopt;
  return std::ldexp(number, 10 * static_cast<int>(power + 1));
}

bool is_missing(const Sample& sample, const std::map<std::string, StepMemory>& steps) {
  if (sample.max_rss_bytes >= 0) return false;
  const auto found = steps.find(step_name(sample.order));
  return found != steps.end() && found->second.max_rss_bytes < 0;
}

}  // namespace

std::string step_name(int order) { return prefix + std::to_string(order); }

std::map<std::string, StepMemory> parse_step_memory(std::string_view lines) {
  std::map<std::string, StepMemory> steps;
  for (const auto& line : split(lines, '\n')) {
    const auto cells = split(line, '|');
    if (cells.size() != 4 || !cells[0].starts_with(prefix)) continue;
    auto& step = steps[cells[0]];
    const auto most = bytes_in(cells[1]), mean = bytes_in(cells[2]), tasks = bytes_in(cells[3]);
    if (!most || !mean || !tasks) continue;
    step.max_rss_bytes = std::llround(*most);
    step.sum_rss_bytes = std::llround(*mean * *tasks);
  }
  return steps;
}

std::string fill_step_memory(std::vector<Sample>& samples) {
  const char* job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr || find_program("sacct").empty()) return "there is no sacct";
  std::map<std::string, StepMemory> steps;
  for (int look = 0; look < looks; ++look) {
    if (look > 0) std::this_thread::sleep_for(between_looks);
    const auto told = run_process(
        {"sacct", "--noheader", "--parsable2", "--noconvert", "-j", job, "--format=JobName%64,MaxRSS,AveRSS,NTasks"},
        {}, {.timeout_s = 15});
    if (!told.is_ok()) return fmt::format("sacct says: {}", told.err.substr(0, told.err.find('\n')));
    steps = parse_step_memory(told.out);
    if (!steps.empty() &&
        std::none_of(samples.begin(), samples.end(), [&](const Sample& sample) { return is_missing(sample, steps); })) {
      break;
    }
  }
  for (auto& sample : samples) {
    const auto found = steps.find(step_name(sample.order));
    if (found == steps.end() || found->second.max_rss_bytes < 0 || sample.max_rss_bytes >= 0) continue;
    sample.max_rss_bytes = found->second.max_rss_bytes;
    sample.sum_rss_bytes = found->second.sum_rss_bytes;
  }
  return {};
}

}  // namespace paceline
