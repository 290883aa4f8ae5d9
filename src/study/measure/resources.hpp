// What a study may use: the cores of this machine, or of the allocation of a batch system.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "study/measure/launcher.hpp"
#include "study/sample.hpp"

namespace paceline {

struct Resources {
  int nodes = 1;           ///< 0: only the launcher knows
  int cores_per_node = 1;  ///< of the smallest node
  std::string where;       ///< "this machine", "Slurm job 12"
};

/// Looks a variable of the environment up; nullptr when it is not set.
using Lookup = std::function<const char*(const char*)>;

/// `cores`: those this process may use. Slurm's and PBS's variables tell of an allocation.
Resources find_resources(const Launcher& launcher, int cores, const Lookup& lookup);

/// CPUs of the smallest node in Slurm's notation, for example 8 of "16(x2),8"; nothing for any other text.
std::optional<int> smallest_of(const std::string& slurm_counts);

/// Why the layout can't run with a core a thread; nothing when it can.
std::optional<std::string> why_too_large(const Layout& layout, const Resources& resources);
/// Why the layout can't run at all, shared cores or not; nothing when it can.
std::optional<std::string> why_impossible(const Layout& layout, const Resources& resources);

}  // namespace paceline
