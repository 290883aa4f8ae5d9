#include "study/fit/times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "study/fit/noise.hpp"

namespace paceline {
namespace {

/// How the runs of a layout ended, for the reason why none counts.
struct Tally {
  int warmups = 0, failed = 0, timed_out = 0, no_time = 0, no_number = 0, unbound = 0;
};

std::string why_none(const Tally& tally) {
  std::string text;
  const auto add = [&](int count, const std::string& what) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
  };
  add(tally.unbound, "with threads that share a core");
  add(tally.failed, "failed");
  add(tally.timed_out, "timed out");
  add(tally.no_time, "reported no time");
  add(tally.no_number, "reported a time that is not a positive number");
  if (text.empty()) return tally.warmups > 0 ? "only a warm-up was run" : "was not run";
  return "no run counts: " + text;
}

/// A program that prints "1.5 s" tells its time in steps of 0.1 s, whatever its repeats agree on.
double clock_of(const std::map<Layout, std::vector<double>>& seconds) {
  for (double steps_a_second = 1; steps_a_second < 2e5; steps_a_second *= 10) {
    bool is_whole = !seconds.empty();
    for (const auto& [layout, times] : seconds) {
      for (const double time : times) {
        const double steps = time * steps_a_second;
        is_whole = is_whole && std::abs(steps - std::round(steps)) < 1e-9 * std::max(1.0, steps);
      }
    }
    if (is_whole) return 1 / steps_a_second;
  }
  return 0;
}

}  // namespace

double median_of(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

std::vector<const LayoutTimes*> Times::used() const {
  std::vector<const LayoutTimes*> found;
  for (const auto& layout : layouts) {
    if (layout.used()) found.push_back(&layout);
  }
  return found;
}

Times study_times(const Study& study) {
  Times times;
  std::map<Layout, LayoutTimes> layouts;
  std::map<Layout, Tally> tallies;
  std::map<Layout, std::vector<double>> seconds;
  for (std::size_t i = 0; i < study.samples.size(); ++i) {
    const auto& sample = study.samples[i];
    auto& layout = layouts[sample.layout];
    auto& tally = tallies[sample.layout];
    layout.layout = sample.layout;
    const bool is_time = std::isfinite(sample.wall_s) && sample.wall_s > 0;
    const bool succeeded = sample.status == SampleStatus::ok && is_time;
    tally.warmups += sample.warmup ? 1 : 0;
    if (sample.warmup) continue;
    tally.failed += sample.status == SampleStatus::failed ? 1 : 0;
    tally.timed_out += sample.status == SampleStatus::timed_out ? 1 : 0;
    tally.no_time += sample.status == SampleStatus::no_time ? 1 : 0;
    tally.no_number += sample.status == SampleStatus::ok && !is_time ? 1 : 0;
    if (!succeeded) continue;
    seconds[sample.layout].push_back(sample.wall_s);
    tally.unbound += sample.bound_ok ? 0 : 1;
    if (sample.bound_ok) layout.runs.push_back({i, sample.repeat, std::log(sample.wall_s)});
  }
  for (const auto& [layout, why] : study.left_out) {
    auto& entry = layouts[layout];
    entry.layout = layout;
    if (entry.runs.empty()) entry.why_not = why;
  }
  for (auto& [key, layout] : layouts) {
    const auto& tally = tallies[key];
    times.warmups += tally.warmups;
    times.failed += tally.failed + tally.timed_out + tally.no_time + tally.no_number;
    times.unbound += tally.unbound;
    layout.median_s = median_of(seconds[key]);
    if (!layout.used() && layout.why_not.empty()) layout.why_not = why_none(tally);
    times.layouts.push_back(std::move(layout));
  }
  times.clock_s = clock_of(seconds);
  find_blocks(times);
  find_centres(times);
  find_noise(times);
  times.drift = drift_of(times, study);
  return times;
}

}  // namespace paceline
