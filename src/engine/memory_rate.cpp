#include "engine/memory_rate.hpp"

#include <algorithm>

#include "host/clock.hpp"
#include "host/page_buffer.hpp"

namespace paceline {
namespace {

// Computed again: some 5 ms.
constexpr std::int64_t sample_bytes = std::int64_t{96} << 20;
// All that the node works on must be so many times its last cache.
constexpr std::int64_t times_cache = 3;

double measure(const Plan& plan, const Workload& workload, const Inputs& inputs, int rank) {
  const auto& shape = workload.shape();
  const auto& request = plan.request();
  const auto reach = plan.reach(rank);
  const auto count = std::min(reach.size(), sample_bytes / (request.bytes_per_item + request.input_bytes_per_item) + 1);
  // Used again and again, as the run does.
  const PageBuffer result(static_cast<std::size_t>(plan.piece_items() * shape.most_bytes_per_item()));
  touch(result.bytes());
  Inputs::Scratch scratch;
  Work done;
  const Stopwatch watch;
  for (auto begin = reach.begin; begin < reach.begin + count; begin += plan.piece_items()) {
    const Slab items{begin, std::min(begin + plan.piece_items(), reach.begin + count)};
    done += workload.compute(items, inputs.of(0, items, scratch), {result.bytes().first(shape.bytes_in(items))});
  }
  const auto seconds = watch.seconds();
  return seconds > 0 ? static_cast<double>(done.useful) / seconds : 0;
}

}  // namespace

double rate_alone(const Comm& world, const Comm& node, const Plan& plan, const Workload& workload, const Inputs& inputs,
                  std::int64_t cache_bytes) {
  if (!workload.traits().is_memory_bound || plan.feeding() != Feeding::resident) return 0;
  const auto& request = plan.request();
  const auto bytes = request.items * (request.bytes_per_item + request.input_bytes_per_item);
  if (bytes / request.nodes < times_cache * world.reduce_all(cache_bytes, MPI_MAX)) return 0;
  const double mine = node.rank() == 0 ? measure(plan, workload, inputs, world.rank()) : 0;
  return world.reduce_all(mine, MPI_MAX);
}

}  // namespace paceline
