// Layouts held against each other: how fast, how certain, and which of them are as fast as the fastest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "study/fit/fit.hpp"

namespace paceline {

/// A layout as the report shows it.
struct LayoutRow {
  Layout layout;
  Interval time;                          ///< median seconds; the ends are NaN without repeats
  double speedup = Interval::unknown;     ///< over the layout of fewest cores; scaled speed-up in weak mode
  double efficiency = Interval::unknown;  ///< speed-up over the cores used, 1 for the layout of fewest cores
  std::string why_not;                    ///< empty: the layout counts
  // Peak memory over its runs; -1 where nothing tells it.
  std::int64_t max_rss_bytes = -1;  ///< of the largest rank
  std::int64_t sum_rss_bytes = -1;  ///< of all ranks
};

/// "8 x 12", with "on 4 nodes" where there are several.
std::string name_of(const Layout& layout);

/// How much work a layout did for each second: the same in strong mode, as many times as it has cores in weak mode.
double work_of(const Layout& layout, ScalingMode mode);

/// A row per layout. Intervals of medians: t on the logarithms, with the moderated noise, and what blocks share.
std::vector<LayoutRow> layout_rows(const Times& times, ScalingMode mode);

/// Fills in the memory that the samples of each layout tell of.
void add_memory(std::vector<LayoutRow>& rows, const Study& study);

/// Those that may be the fastest, the fastest of the sample first. 95 % hold the true one: multiple comparisons with
/// the best (J. C. Hsu, Ann. Stat. 12, 1984), by Bonferroni's inequality; effects of blocks cancel, since all layouts
/// have them. Without repeats nothing is known of the others: all of them may be.
std::vector<const LayoutTimes*> fastest_of(const Times& times, ScalingMode mode);

}  // namespace paceline
