// Which layout is run next. A function of what has been run so far and of nothing else, so that a study that is resumed
// goes on exactly as it would have.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

struct Sweep {
  std::vector<Layout> layouts;
  int warmup = 1;   ///< blocks whose samples are dropped
  int repeats = 5;  ///< blocks after them
  std::uint64_t seed = 1;
  std::optional<double> until_ci;  ///< then repeat until each median's interval is at most so wide to each side
  int most_repeats = 200;          ///< of one layout, should that never be
};

struct PlannedRun {
  Layout layout;
  bool warmup = false;
  int repeat = 0;
  friend bool operator==(const PlannedRun&, const PlannedRun&) = default;
};

/// Every combination, without repeats, in order.
std::vector<Layout> product(const std::vector<int>& ranks, const std::vector<int>& threads,
                            const std::vector<int>& nodes);

/// The layouts of one block in the order in which it runs them: shuffled, differently in each block and for each seed,
/// so that what changes slowly on a machine falls on all layouts alike.
std::vector<Layout> shuffled(std::vector<Layout> layouts, std::uint64_t seed, std::uint64_t block);

/// Its last two runs gave no result: it is not tried again.
bool is_given_up(const Layout& layout, const std::vector<Sample>& taken);

/// The next run; nothing when the study is done. `left_out`: layouts that are not run.
std::optional<PlannedRun> next_run(const Sweep& sweep, const std::vector<Sample>& taken,
                                   const std::set<Layout>& left_out);

/// Times that count: of the layout's runs that are ok and no warm-up.
std::vector<double> times_of(const Layout& layout, const std::vector<Sample>& taken);

/// Layouts whose median is less certain than `until_ci`, although `most_repeats` or the time is up.
std::vector<Layout> uncertain(const Sweep& sweep, const std::vector<Sample>& taken, const std::set<Layout>& left_out);

}  // namespace paceline
