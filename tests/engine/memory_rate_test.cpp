// What one core does alone is measured where it tells something, the same on every rank.
#include "engine/memory_rate.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

class Bound : public test::Numbers, public NumberInputs {
 public:
  Bound(std::int64_t items, bool is_bound) : Numbers(items, 8), is_bound_(is_bound) {
    input_.make = [](Slab some, std::span<double> values) { std::fill_n(values.begin(), some.size(), 1.0); };
  }
  [[nodiscard]] std::span<const Input> inputs() const override { return {&input_, 1}; }
  [[nodiscard]] std::int64_t elements_per_item() const override { return 1; }
  [[nodiscard]] InputMemory input_memory() const override { return InputMemory::per_rank; }
  void set_extents(const std::vector<std::int64_t>& /*extents*/) override {}
  [[nodiscard]] std::int64_t elements() const override { return shape().items(); }
  [[nodiscard]] Traits traits() const override {
    auto traits = Numbers::traits();
    traits.is_memory_bound = is_bound_;
    return traits;
  }

 private:
  Input input_;
  bool is_bound_;
};

double rate_of(bool is_bound, std::int64_t memory_limit, std::int64_t cache_bytes) {
  const auto world = Comm::world().duplicate();
  const auto node = world.split_node();
  const Bound workload(1000, is_bound);
  PlanRequest request;
  request.items = 1000;
  request.bytes_per_item = 16;
  request.input_bytes_per_item = 8;
  request.inputs_can_be_made = true;
  request.ranks = world.size();
  request.schedule = Schedule::block;
  request.memory_limit = memory_limit;
  const Plan plan(request);
  Inputs inputs(plan, &workload, world, node);
  inputs.load();
  const double rate = rate_alone(world, node, plan, workload, inputs, cache_bytes);
  EXPECT_EQ(rate, world.reduce_all(rate, MPI_MAX)) << "the same on every rank";
  EXPECT_EQ(rate, world.reduce_all(rate, MPI_MIN));
  return rate;
}

TEST(MemoryRate, IsMeasuredWhereItTellsSomething) {
  EXPECT_GT(rate_of(true, 1 << 20, 1), 0);
  EXPECT_EQ(rate_of(false, 1 << 20, 1), 0) << "the memory is not the likely limit";
  EXPECT_EQ(rate_of(true, 1 << 20, 1 << 20), 0) << "caches hold it";
  EXPECT_EQ(rate_of(true, 1 << 10, 1), 0) << "made just in time";
}

}  // namespace
}  // namespace paceline
