#include "host/simd.hpp"

#include <algorithm>
#include <stdexcept>

#include "host/simd_targets.hpp"

#include "hwy/highway.h"

namespace paceline {

std::vector<std::int64_t> simd_targets() { return hwy::SupportedAndGeneratedTargets(); }

std::string simd_target_name() { return hwy::TargetName(simd_targets().front()); }

std::size_t simd_index(std::int64_t target) {
  const auto known = simd_targets();
  if (std::find(known.begin(), known.end(), target) == known.end()) {
    throw std::invalid_argument("this machine has no such SIMD target");
  }
  hwy::ChosenTarget chosen;  // not Highway's global one: other threads go on as they were
  chosen.Update(target);
  return chosen.GetIndex();
}

}  // namespace paceline
