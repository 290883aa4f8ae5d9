#include "study/advise/loss.hpp"

#include <algorithm>
#include <cmath>

#include "study/median.hpp"

namespace paceline {
namespace {

double phase(const Study& study, const LayoutTimes& layout, double PhaseTimes::*seconds) {
  std::vector<double> values;
  for (const auto& run : layout.runs) {
    const double value = study.samples[run.sample].phases.*seconds;
    if (std::isfinite(value)) values.push_back(value);
  }
  return median_of(std::move(values));
}

/// Core-seconds by cause, of one layout; NaN where the program doesn't tell.
struct Parts {
  double serial, imbalance, communication, start_up, compute;
};

double zero_if_unknown(double value) { return std::isfinite(value) ? value : 0; }

Parts parts_of(const Study& study, const LayoutTimes& layout) {
  const double cores = layout.layout.cores();
  const auto seconds = [&](double PhaseTimes::*which) { return phase(study, layout, which); };
  const double serial_s = seconds(&PhaseTimes::serial_s);
  const double compute_s = seconds(&PhaseTimes::compute_s);
  const double mean_s = seconds(&PhaseTimes::compute_mean_s);
  const double start_s = zero_if_unknown(seconds(&PhaseTimes::init_s)) + zero_if_unknown(seconds(&PhaseTimes::plan_s));
  const double moved_s = zero_if_unknown(seconds(&PhaseTimes::scatter_s)) +
                         zero_if_unknown(seconds(&PhaseTimes::gather_s)) +
                         zero_if_unknown(seconds(&PhaseTimes::write_s)) - zero_if_unknown(serial_s);
  const double outside_s = layout.median_s - zero_if_unknown(compute_s) - start_s - zero_if_unknown(serial_s);
  return {serial_s * (cores - 1), (compute_s - mean_s) * cores, std::max(0.0, std::min(moved_s, outside_s)) * cores,
          start_s * cores, mean_s * cores};
}

bool tells_phases(const Study& study, const LayoutTimes& layout) {
  return std::isfinite(phase(study, layout, &PhaseTimes::compute_s)) ||
         std::isfinite(phase(study, layout, &PhaseTimes::serial_s));
}

/// Serial and communicating core-seconds that a law sees at a layout.
std::pair<double, double> parts_by_law(const ModelFit& fit, const Layout& layout) {
  const double p = layout.cores();
  const auto& v = fit.values;
  if (fit.model->name == "amdahl") return {v[1] * v[0] * (p - 1), 0};
  if (fit.model->name == "usl") return {v[2] * v[0] * (p - 1), v[2] * v[1] * p * (p - 1)};
  if (fit.model->name == "two-level") {
    const double one_rank_s = v[2] * (1 - v[0]);
    const double one_thread_each_s = v[2] * v[0] * (1 - v[1]);  // all ranks together
    return {one_rank_s * (p - 1) + one_thread_each_s * (layout.threads - 1), 0};
  }
  const double seconds = fit.model->predict(v, layout);
  return {p * (seconds - v[1]), 0};
}

}  // namespace

std::optional<Loss> loss_of(const Study& study, const Times& times, const ModelFit* chosen) {
  const auto used = times.used();
  if (used.size() < 2) return std::nullopt;
  const auto less = [](const LayoutTimes* a, const LayoutTimes* b) {
    return std::pair(a->layout.cores(), -a->median_s) < std::pair(b->layout.cores(), -b->median_s);
  };
  const auto& most = **std::max_element(used.begin(), used.end(), less);
  const auto& base = **std::min_element(used.begin(), used.end(), [](const LayoutTimes* a, const LayoutTimes* b) {
    return std::pair(a->layout.cores(), a->median_s) < std::pair(b->layout.cores(), b->median_s);
  });
  const double p = most.layout.cores();
  const double p0 = base.layout.cores();
  if (p <= p0) return std::nullopt;
  // In weak mode the work, and with it each useful core-second, is p/p0 times that of the smallest layout.
  const double work = study.info.mode == ScalingMode::weak ? p / p0 : 1;

  Loss loss;
  loss.layout = most.layout;
  loss.lost_core_s = p * most.median_s - work * p0 * base.median_s;
  double serial = 0, imbalance = 0, communication = 0, start_up = 0, bandwidth = 0;
  const auto grown = [work](double at_most, double at_base) {
    return std::max(0.0, zero_if_unknown(at_most - work * at_base));
  };
  if (tells_phases(study, most)) {
    loss.source = Loss::Source::phases;
    const auto here = parts_of(study, most);
    const auto there = parts_of(study, base);
    serial = grown(here.serial, there.serial);
    imbalance = grown(here.imbalance, there.imbalance);
    communication = grown(here.communication, there.communication);
    start_up = grown(here.start_up, there.start_up);
    bandwidth = grown(here.compute, there.compute);
  } else if (chosen != nullptr) {
    loss.source = Loss::Source::law;
    const auto [serial_here, moved_here] = parts_by_law(*chosen, most.layout);
    const auto [serial_there, moved_there] = parts_by_law(*chosen, base.layout);
    serial = grown(serial_here, serial_there);
    communication = grown(moved_here, moved_there);
  }
  const double known = serial + imbalance + communication + start_up + bandwidth;
  const double whole = std::max(known, loss.lost_core_s);
  if (!(whole > 0)) return loss;
  loss.shares = {{"serial", serial / whole},
                 {"imbalance", imbalance / whole},
                 {"communication", communication / whole},
                 {"thread_start_up", start_up / whole},
                 {"memory_bandwidth", bandwidth / whole},
                 {"other", (whole - known) / whole}};
  return loss;
}

std::optional<Interval> measured_serial_fraction(const Study& study, const Times& times, const ModelFit* chosen) {
  double one_core_s = Interval::unknown;
  for (const auto* layout : times.used()) {
    if (layout->layout.cores() == 1) one_core_s = layout->median_s;
  }
  if (std::isnan(one_core_s) && chosen != nullptr) {
    one_core_s = chosen->model->predict(chosen->values, Layout{1, 1, 1});
  }
  std::vector<double> fractions;
  for (const auto* layout : times.used()) {
    if (layout->layout.cores() == 1) continue;
    for (const auto& run : layout->runs) {
      const double fraction = study.samples[run.sample].phases.serial_s / one_core_s;
      if (std::isfinite(fraction)) fractions.push_back(fraction);
    }
  }
  if (fractions.empty()) return std::nullopt;
  const auto found = median_interval(fractions);
  if (!found.is_bounded()) return Interval{found.median};
  return Interval{found.median, found.low, found.high};
}

}  // namespace paceline
