#include <paceline/counter.hpp>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

class CounterOn : public Layouts {};

TEST_P(CounterOn, LosesNoneOfAMillionIncrements) {
  Counter counter(domain);
  const int each = is_spread() ? scaled(1'000'000) : 1'000'000 / all_threads();
  on_threads(threads(), [&](int /*thread*/) {
    for (int i = 0; i < each; ++i) counter.fetch_add(1);
  });
  world.barrier();
  EXPECT_EQ(counter.load(), std::int64_t{each} * all_threads());
}

TEST_P(CounterOn, GivesEachTicketOnce) {
  Counter counter(domain, 100);
  const int each = scaled(20'000);
  std::vector<std::vector<std::int64_t>> tickets(static_cast<std::size_t>(threads()));
  on_threads(threads(), [&](int thread) {
    for (int i = 0; i < each; ++i) tickets[static_cast<std::size_t>(thread)].push_back(counter.fetch_add(1));
  });
  std::vector<std::int64_t> all;
  for (const auto& mine : tickets) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::vector<std::int64_t> everybodys;
  for (const auto& part : world.gather_all(all)) everybodys.insert(everybodys.end(), part.begin(), part.end());
  std::sort(everybodys.begin(), everybodys.end());
  for (std::size_t i = 0; i < everybodys.size(); ++i) {
    ASSERT_EQ(everybodys[i], static_cast<std::int64_t>(i) + 100);
  }
}

TEST_P(CounterOn, LosesNoneWithCompareExchangeAndDoubles) {
  Value<std::uint64_t> cubes(domain, 1);
  Value<double> sum(domain, 0.5);
  const int each = scaled(50'000);
  on_threads(threads(), [&](int /*thread*/) {
    for (int i = 0; i < each; ++i) {
      cubes.fetch_update([](std::uint64_t x) { return x * 3; });
      sum.fetch_add(0.25);
      sum.fetch_sub(0.125);
    }
  });
  world.barrier();
  std::uint64_t expected = 1;
  for (int i = 0; i < each * all_threads(); ++i) expected *= 3;
  EXPECT_EQ(cubes.load(), expected);
  EXPECT_EQ(sum.load(), 0.5 + 0.125 * each * all_threads());
}

TEST_P(CounterOn, DoesWhatAtomicsDo) {
  Value<std::int64_t> value(domain, 5);
  const auto in_turn = [&](int rank, const auto& action) {
    if (world.rank() == rank) action();
    world.barrier();
  };
  in_turn(world.size() - 1, [&] {
    EXPECT_EQ(value.exchange(12), 5);
    EXPECT_EQ(value.fetch_and(6), 12);
    EXPECT_EQ(value.fetch_or(1), 4);
    EXPECT_EQ(value.fetch_xor(7), 5);
    EXPECT_EQ(value.fetch_sub(4), 2);
    EXPECT_EQ(value.fetch_min(-9), -2);
    EXPECT_EQ(value.fetch_max(3), -9);
    std::int64_t seen = 4;
    EXPECT_FALSE(value.compare_exchange(seen, 8));
    EXPECT_EQ(seen, 3);
    EXPECT_TRUE(value.compare_exchange(seen, 8));
  });
  EXPECT_EQ(value.load(), 8);
  world.barrier();
  in_turn(0, [&] { value.store(-1); });
  EXPECT_EQ(value.load(), -1);
}

TEST_P(CounterOn, HoldsAnyEightPlainBytes) {
  struct Pair {
    float a;
    std::int16_t b;
    std::int16_t c;
  };
  Value<Pair> pair(domain, {1.5F, -2, 3});
  Value<bool> flag(domain, true);
  EXPECT_EQ(pair.load().b, -2);
  EXPECT_TRUE(flag.load());
  world.barrier();
  if (world.rank() == world.size() - 1) pair.store({2.5F, 7, 8});
  world.barrier();
  EXPECT_EQ(pair.load().a, 2.5F);
  EXPECT_EQ(pair.load().c, 8);
}

INSTANTIATE_TEST_SUITE_P(Layouts, CounterOn, all_layouts(), name_of_layout);

}  // namespace
}  // namespace paceline
