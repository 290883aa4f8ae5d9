// What a run says of its ranks and threads: the tables /run/ranks and /run/threads, and the names of the phases.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace paceline {

/// A row of /run/ranks: what one rank was and did. Phases in seconds.
struct RankRow {
  std::int32_t rank = 0;
  char host[64] = {};
  std::int32_t bound_cores = 0;
  std::int32_t threads = 0;
  std::int64_t items = 0;
  std::uint64_t work_useful = 0;
  std::uint64_t work_executed = 0;
  double init_s = 0, plan_s = 0, scatter_s = 0, compute_s = 0, gather_s = 0, write_s = 0;
  double allocate_s = 0, fill_s = 0, copy_s = 0;  ///< of inputs: parts of scatter, or done while others compute
  double digest_s = 0;                            ///< beside compute_s
};

struct Phase {
  std::string_view name;
  double RankRow::*seconds;
};

/// The phases of a run in their order.
inline constexpr std::array<Phase, 6> phases = {{{"init", &RankRow::init_s},
                                                 {"plan", &RankRow::plan_s},
                                                 {"scatter", &RankRow::scatter_s},
                                                 {"compute", &RankRow::compute_s},
                                                 {"gather", &RankRow::gather_s},
                                                 {"write", &RankRow::write_s}}};
/// Times that are parts of phases.
inline constexpr std::array<Phase, 4> phase_parts = {{{"allocate", &RankRow::allocate_s},
                                                      {"fill", &RankRow::fill_s},
                                                      {"copy", &RankRow::copy_s},
                                                      {"digest", &RankRow::digest_s}}};

/// What becomes the /run tables; the same on every rank.
struct RunTables {
  std::vector<RankRow> ranks;
  std::vector<double> busy_s;  ///< ranks x threads, in seconds; NaN where a rank has fewer threads
  std::int64_t threads = 0;    ///< columns of busy_s
};

}  // namespace paceline
