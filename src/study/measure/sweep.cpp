#include "study/measure/sweep.hpp"

#include <algorithm>

#include "study/median.hpp"

namespace paceline {
namespace {

/// SplitMix64: G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t state) : state_(state) {}
  std::uint64_t next() {
    auto z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

bool is_taken(const PlannedRun& run, const std::vector<Sample>& taken) {
  return std::any_of(taken.begin(), taken.end(), [&](const Sample& sample) {
    return sample.layout == run.layout && sample.warmup == run.warmup && sample.repeat == run.repeat;
  });
}

int repeats_of(const Layout& layout, const std::vector<Sample>& taken) {
  return static_cast<int>(std::count_if(
      taken.begin(), taken.end(), [&](const Sample& sample) { return sample.layout == layout && !sample.warmup; }));
}

/// Infinite without a bounded interval.
double uncertainty(const Layout& layout, const std::vector<Sample>& taken) {
  return median_interval(times_of(layout, taken)).relative_half_width();
}

bool is_uncertain(const Sweep& sweep, const Layout& layout, const std::vector<Sample>& taken,
                  const std::set<Layout>& left_out) {
  return sweep.until_ci && !left_out.contains(layout) && !is_given_up(layout, taken) &&
         !(uncertainty(layout, taken) <= *sweep.until_ci);
}

std::optional<PlannedRun> least_certain(const Sweep& sweep, const std::vector<Sample>& taken,
                                        const std::set<Layout>& left_out) {
  std::optional<PlannedRun> worst;
  double worst_width = 0;
  for (const auto& layout : shuffled(sweep.layouts, sweep.seed, taken.size())) {
    const int repeats = repeats_of(layout, taken);
    if (repeats >= sweep.most_repeats || !is_uncertain(sweep, layout, taken, left_out)) continue;
    const auto width = uncertainty(layout, taken);
    // Of several whose interval is not known yet, the one with fewest runs.
    if (worst && !(width > worst_width) && !(width == worst_width && repeats < worst->repeat)) continue;
    worst = {layout, false, repeats};
    worst_width = width;
  }
  return worst;
}

}  // namespace

std::vector<Layout> product(const std::vector<int>& ranks, const std::vector<int>& threads,
                            const std::vector<int>& nodes) {
  std::set<Layout> all;
  for (const int r : ranks) {
    for (const int t : threads) {
      for (const int n : nodes) all.insert({r, t, n});
    }
  }
  return {all.begin(), all.end()};
}

std::vector<Layout> shuffled(std::vector<Layout> layouts, std::uint64_t seed, std::uint64_t block) {
  // Fisher and Yates by hand: what std::shuffle gives is another order in each library.
  SplitMix random(SplitMix(seed).next() + block);
  for (std::size_t i = layouts.size(); i > 1; --i) std::swap(layouts[i - 1], layouts[random.next() % i]);
  return layouts;
}

bool is_given_up(const Layout& layout, const std::vector<Sample>& taken) {
  int failures = 0;
  for (auto sample = taken.rbegin(); sample != taken.rend() && failures < 2; ++sample) {
    if (sample->layout != layout) continue;
    if (sample->status == SampleStatus::ok) return false;
    ++failures;
  }
  return failures == 2;
}

std::optional<PlannedRun> next_run(const Sweep& sweep, const std::vector<Sample>& taken,
                                   const std::set<Layout>& left_out) {
  for (int block = 0; block < sweep.warmup + sweep.repeats; ++block) {
    const bool warmup = block < sweep.warmup;
    for (const auto& layout : shuffled(sweep.layouts, sweep.seed, static_cast<std::uint64_t>(block))) {
      const PlannedRun run{layout, warmup, warmup ? block : block - sweep.warmup};
      if (!left_out.contains(layout) && !is_taken(run, taken) && !is_given_up(layout, taken)) return run;
    }
  }
  return least_certain(sweep, taken, left_out);
}

std::vector<double> times_of(const Layout& layout, const std::vector<Sample>& taken) {
  std::vector<double> times;
  for (const auto& sample : taken) {
    if (sample.layout == layout && sample.status == SampleStatus::ok && !sample.warmup) times.push_back(sample.wall_s);
  }
  return times;
}

std::vector<Layout> uncertain(const Sweep& sweep, const std::vector<Sample>& taken, const std::set<Layout>& left_out) {
  std::vector<Layout> found;
  for (const auto& layout : sweep.layouts) {
    if (is_uncertain(sweep, layout, taken, left_out)) found.push_back(layout);
  }
  return found;
}

}  // namespace paceline
