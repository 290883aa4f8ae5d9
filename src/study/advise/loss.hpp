// What the core-seconds are lost to that a layout uses beyond those that the work needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "study/fit/fit.hpp"
#include "study/fit/times.hpp"

namespace paceline {

/// Of the layout with most cores, against that with fewest: lost = p*T - p0*T0 (weak mode: p*T - p*T0), medians of runs
/// that count. Each part is its core-seconds at p less those at p0, none below zero:
///   serial            serial_s * (cores - 1), what one rank does while the others wait
///   imbalance         (compute_s - compute_mean_s) * cores
///   communication     (scatter + gather + write, less serial_s, at most what the wall time is longer than init,
///   compute
///                     and serial_s) * cores: what is hidden behind computing costs nothing
///   thread_start_up   (init_s + plan_s) * cores: starting ranks and threads
///   memory_bandwidth  compute_mean_s * cores: cores that slow each other down by memory, caches or clock
///   other             what is left of the lost core-seconds
/// Shares add to 1. If the parts are more than what was lost, they are shares of their sum.
/// Without phases the fitted law says what it can: its serial fraction or contention is serial, coherency
/// communication.
struct Loss {
  enum class Source { phases, law, nothing };
  Layout layout;
  double lost_core_s = 0;
  Source source = Source::nothing;
  std::vector<std::pair<std::string, double>> shares;  ///< in the order above; empty: nothing is lost
};

/// `chosen`: the law that is believed, if any.
std::optional<Loss> loss_of(const Study& study, const Times& times, const ModelFit* chosen);

/// The serial seconds of the phases over the time on one core (of the law, or measured), over all runs of several cores
/// that tell them, with an interval by order statistics where there are enough; empty where none does.
std::optional<Interval> measured_serial_fraction(const Study& study, const Times& times, const ModelFit* chosen);

}  // namespace paceline
