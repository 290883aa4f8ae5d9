// The runs of a study, layout by layout: what counts, its centre, its noise, and what is odd about it.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// A run as it is seen among the others of its layout.
struct TimedRun {
  std::size_t sample = 0;  ///< its place in Study::samples
  int repeat = 0;
  double log_s = 0;      ///< log of the seconds
  double weight = 1;     ///< 1, less for outliers, 0 for gross ones
  double deviation = 0;  ///< from the centre of its layout, its block's effect taken away; of log_s
};

/// A layout that counts has runs; one that doesn't says why.
struct LayoutTimes {
  Layout layout;
  std::vector<TimedRun> runs;  ///< those that count, in the order in which they were taken
  std::string why_not;
  double median_s = std::numeric_limits<double>::quiet_NaN();  ///< of all runs that succeeded, bound or not

  // Of layouts that count:
  double centre = 0;  ///< weighted mean of log_s without the block's effect
  double count = 0;   ///< sum of weights
  double noise = 0;   ///< standard deviation of log_s of one run, see Times

  [[nodiscard]] bool used() const { return !runs.empty(); }
  /// Variance of the centre, without that of blocks.
  [[nodiscard]] double variance() const { return noise * noise / count; }
};

struct Outlier {
  Layout layout;
  int repeat = 0;
  double ratio = 1;  ///< to its layout's centre
  double weight = 0;
};

/// A trend of the normalised times with the order of the runs.
struct Drift {
  double change = 0;   ///< relative, from the first run to the last: the median slope of Theil and Sen
  double p_value = 1;  ///< of Kendall's test that there is none (Mann 1945)
};

/// All that is known of a study's times.
///
/// Noise is taken as a share of the time, so everything is about logarithms. A run's log is the centre of its layout,
/// plus the effect of its block (one round of the interleaved order: the machine is slower or faster for all layouts in
/// turn), plus noise. Outliers weigh less: weight 1 up to about 3 standard deviations from the median, falling to 0
/// at 5. They are found by comparing repeats with each other and never by how well a law fits. The scale of the noise
/// is the median of |differences| of all pairs of repeats of a layout, as robust as Rousseeuw and Croux's Q_n (J. Am.
/// Stat. Assoc. 88, 1993); a layout of five repeats or more may have a larger one of its own. A layout's variance is
/// moderated: the fewer its repeats, and the more alike the layouts are, the more it is drawn to that of all (G. K.
/// Smyth, Stat. Appl. Genet. Mol. Biol. 3(1), 2004).
struct Times {
  std::vector<LayoutTimes> layouts;  ///< by ranks, threads, nodes
  std::vector<Outlier> outliers;
  double clock_s = 0;             ///< step of the clock, where all times are told in whole steps of 1, 0.1, ... 1e-5 s
  double noise = 0;               ///< relative standard deviation of a run, all layouts together
  double df = 0;                  ///< degrees of freedom of a layout's noise; 0: nothing was repeated
  std::vector<double> residuals;  ///< of runs, scaled to mean 0 and variance 1
  int blocks = 0;
  double block_sd = 0;  ///< standard deviation of what all runs of a block share, beyond what noise explains
  double blocks_p = 1;  ///< P of effects of blocks so large by chance; below 0.05 they are taken out of the noise
  Drift drift;
  int warmups = 0, failed = 0, unbound = 0;  ///< runs that don't count

  [[nodiscard]] std::vector<const LayoutTimes*> used() const;
  [[nodiscard]] bool has_noise() const { return df > 0; }
};

/// What `study` says. Keeps layouts that never ran, with the reason.
Times study_times(const Study& study);

/// Median; of an even number of values the mean of the middle two. NaN of none.
double median_of(std::vector<double> values);

/// Smallest relative noise that is believed: clocks are not better.
inline constexpr double least_noise = 1e-6;

}  // namespace paceline
