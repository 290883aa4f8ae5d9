// The team of threads: the same digest for every layout, errors and stops heard by all.
#include "engine/compute.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline::compute_test {
namespace {

constexpr std::int64_t width = 9;

PlanRequest request_of(std::int64_t items, int threads, Schedule schedule = Schedule::dynamic) {
  PlanRequest request;
  request.items = items;
  request.bytes_per_item = width + 8;
  request.ranks = Comm::world().size();
  request.threads = threads;
  request.schedule = schedule;
  request.ordered = false;
  request.costs.assign(sample_items(items, request.ranks).size(), 1.0);
  return request;
}

/// Few enough bytes for the bands in flight, so that nobody has to write meanwhile.
ComputeResult compute_here(const Comm& world, const PlanRequest& request, const Workload& workload,
                           const NodeState& node_state, const std::vector<std::uint8_t>& skip = {},
                           std::optional<int> workers = {}) {
  const Plan plan(request);
  EXPECT_LE(plan.bands(), Plan::bands_in_flight());
  const auto dispenser = make_dispenser(plan, world, node_state);
  Bands bands(plan, workload.shape(), world.rank(), request.threads);
  const Inputs inputs(plan, nullptr, world, node_state.node());
  auto result =
      compute({plan, workload, inputs, *dispenser, bands, node_state, skip, workers.value_or(request.threads)});
  std::int64_t finished = 0;
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    EXPECT_TRUE(bands.passed(band));
    for (const auto& run : bands.take(band).runs) finished += run.items.size();
  }
  EXPECT_EQ(finished, result.items);
  EXPECT_EQ(finished * width, result.bytes);
  EXPECT_EQ(node_state.my_pulse().at_work, 0U);
  return result;
}

std::uint64_t digest_of_all(std::int64_t items, const std::vector<std::uint8_t>& skip) {
  Digest digest;
  for (std::int64_t item = 0; item < items; ++item) {
    if (skip.empty() || skip[static_cast<std::size_t>(item)] == 0) {
      digest.add(item_digest(item, test::item_bytes(item, width)));
    }
  }
  return digest.sum();
}

TEST(Compute, HasTheSameDigestForEveryLayout) {
  const auto world = Comm::world().duplicate();
  for (const std::int64_t items : {1, 3, 1000}) {
    const test::Numbers workload(items, width);
    std::vector<std::uint8_t> some;
    for (std::int64_t i = 0; i < items; ++i) some.push_back(test::scrambled(static_cast<std::uint64_t>(i)) % 3 == 0);
    for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
      for (const int threads : {1, 2, 3}) {
        for (const auto& skip : {std::vector<std::uint8_t>{}, some}) {
          const NodeState node_state(world.split_node());
          const auto result = compute_here(world, request_of(items, threads, schedule), workload, node_state, skip);
          const auto expected = items - std::count(skip.begin(), skip.end(), 1);
          EXPECT_FALSE(result.error);
          EXPECT_EQ(world.reduce_all(result.items, MPI_SUM), expected);
          EXPECT_EQ(world.reduce_all(result.digest.sum(), MPI_SUM), digest_of_all(items, skip));
          EXPECT_EQ(world.reduce_all(result.work.executed, MPI_SUM), static_cast<std::uint64_t>(2 * expected));
          EXPECT_EQ(result.busy_s.size(), static_cast<std::size_t>(threads));
          EXPECT_EQ(node_state.shared().items_done, expected);
        }
      }
    }
  }
}

TEST(Compute, KeepsAThreadsExceptionAndStopsTheOthers) {
  const auto world = Comm::world().duplicate();
  test::Numbers workload(100'000, width);
  workload.fails_at = 50;
  const NodeState node_state(world.split_node());
  const auto result = compute_here(world, request_of(100'000, 2), workload, node_state);
  const auto tellers = world.reduce_all(result.error ? 1 : 0, MPI_SUM);
  EXPECT_EQ(tellers, 1) << "only the rank that computed the item";
  if (result.error) {
    EXPECT_TRUE(test::says(*result.error, "(item 50)"));
    EXPECT_TRUE(test::says(*result.error, fmt::format("rank {} failed", world.rank())));
  }
  EXPECT_TRUE(node_state.stopping());
  EXPECT_LT(world.reduce_all(result.items, MPI_SUM), 100'000);
}

TEST(Compute, ReturnsAtOnceWhenStopped) {
  const auto world = Comm::world().duplicate();
  const test::Numbers workload(1000, width);
  const NodeState node_state(world.split_node());
  node_state.stop();
  world.barrier();
  const auto result = compute_here(world, request_of(1000, 2), workload, node_state);
  EXPECT_EQ(result.items, 0);
  EXPECT_FALSE(result.error);
}

TEST(Compute, LeavesARankWithoutWorkersInPeace) {
  const auto world = Comm::world().duplicate();
  const test::Numbers workload(1000, width);
  const NodeState node_state(world.split_node());
  const int workers = world.rank() == 0 ? 2 : 0;
  const auto result = compute_here(world, request_of(1000, 3), workload, node_state, {}, workers);
  EXPECT_EQ(result.items, world.rank() == 0 ? 1000 : 0);
  EXPECT_EQ(result.busy_s.size(), 3U);
  EXPECT_EQ(result.busy_s.back(), 0);
  EXPECT_FALSE(node_state.stopping());
}

TEST(Compute, GivesASignOfLife) {
  const auto world = Comm::world().duplicate();
  const test::Numbers workload(1000, width);
  const NodeState node_state(world.split_node());
  const auto result = compute_here(world, request_of(1000, 1, Schedule::block), workload, node_state);
  EXPECT_GT(result.items, 0);
  EXPECT_GT(node_state.my_pulse().beats, 0U);
}

}  // namespace
}  // namespace paceline::compute_test
