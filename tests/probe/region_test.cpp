#include "probe/region.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace paceline::probe {
namespace {

/// Until the clock has gone on by so many ticks at least.
void spin(Ticks length) {
  const auto begin = ticks();
  while (ticks() - begin < length) {
  }
}

class RegionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    find_counter();
    static const bool once = [] {
      make_thread_key();
      return true;
    }();
    ASSERT_TRUE(once);
    thread = &self();
    thread->become_useful(ticks());
    clear_threads();
    clear_peak();
  }
  /// What one thread does in a region of as many as take part.
  void take_part(Region& region, int index, Ticks length) const {
    if (index == 0) {
      enter_region(self(), region, 2);
    } else {
      join_region(self(), region.places(), index);
    }
    spin(length);
    leave_region(self(), index == 0);
  }
  Thread* thread = nullptr;
};

constexpr Ticks piece = 3'000'000;

TEST_F(RegionTest, CountsWaitingAsImbalanceAndTheRestAsScheduling) {
  auto* region = open_region(*thread, 2);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(thread->state, State::waiting);
  spin(piece);
  std::thread other([&] { take_part(*region, 1, 3 * piece); });
  other.join();
  take_part(*region, 0, piece);
  const auto busy0 = *region->places().of(0), busy1 = *region->places().of(1);
  EXPECT_GE(busy0, piece);
  EXPECT_GE(busy1, 3 * piece);
  close_region(*thread, *region);
  EXPECT_EQ(thread->state, State::useful);
  const auto sum = sum_of_threads(ticks());
  EXPECT_EQ(sum.regions, 1U);
  EXPECT_EQ(sum.imbalance, 2 * std::max(busy0, busy1) - busy0 - busy1);
  EXPECT_GE(sum.scheduling, 2 * piece);
  // The thread that has ended is counted.
  EXPECT_GE(sum.useful, busy0 + busy1);
  EXPECT_EQ(peak_threads(), 2);
}

TEST_F(RegionTest, NestedRegionIsBusyToTheOuterOne) {
  auto* outer = open_region(*thread, 1);
  enter_region(*thread, *outer, 1);
  auto* inner = open_region(*thread, 2);
  ASSERT_NE(inner, outer);
  std::thread other([&] { take_part(*inner, 1, 2 * piece); });
  take_part(*inner, 0, piece);
  other.join();
  const auto inner_busy = *inner->places().of(0) + *inner->places().of(1);
  close_region(*thread, *inner);
  leave_region(*thread, true);
  EXPECT_GE(*outer->places().of(0), 2 * piece);  // as long as the inner one took, waiting included
  close_region(*thread, *outer);
  const auto sum = sum_of_threads(ticks());
  EXPECT_EQ(sum.regions, 2U);
  EXPECT_GE(sum.useful, inner_busy);
  EXPECT_EQ(peak_threads(), 2);
}

TEST_F(RegionTest, TasksAfterTheOwnPartCount) {
  auto* region = open_region(*thread, 1);
  enter_region(*thread, *region, 1);
  leave_region(*thread, true);
  const auto before = *region->places().of(0);
  thread->resume();
  spin(piece);
  thread->pause(State::waiting);
  EXPECT_GE(*region->places().of(0), before + piece);
  close_region(*thread, *region);
}

TEST_F(RegionTest, EveryUseCountsOnce) {
  constexpr int uses = 2 * Places::per_line + 3;
  Ticks busy = 0;
  for (int use = 1; use <= uses; ++use) {
    auto* region = open_region(*thread, 2);
    std::thread other([&] { take_part(*region, 1, 1000); });
    take_part(*region, 0, 1000);
    other.join();
    const auto one = *region->places().of(0), two = *region->places().of(1);
    busy += 2 * std::max(one, two) - one - two;
    close_region(*thread, *region);
    if (use % 5 != 0) continue;  // looked at on the way as well
    const auto sum = sum_of_threads(ticks());
    EXPECT_EQ(sum.regions, static_cast<std::uint64_t>(use));
    EXPECT_EQ(sum.imbalance, busy);
  }
  EXPECT_EQ(sum_of_threads(ticks()).imbalance, busy);
}

TEST_F(RegionTest, ARegionThatIsOpenWhileAllIsForgottenCountsAlone) {
  for (int use = 0; use < 3; ++use) {
    auto* region = open_region(*thread, 2);
    enter_region(*thread, *region, 1);
    leave_region(*thread, true);
    close_region(*thread, *region);
  }
  auto* region = open_region(*thread, 2);
  std::thread other([&] { take_part(*region, 1, piece); });
  other.join();
  clear_threads();
  take_part(*region, 0, 1000);
  close_region(*thread, *region);
  const auto sum = sum_of_threads(ticks());
  EXPECT_EQ(sum.regions, 1U);
  EXPECT_GE(sum.imbalance, piece / 2);
}

TEST_F(RegionTest, MembersHaveLinesOfTheirOwn) {
  auto* region = open_region(*thread, 2);
  for (int member = 0; member < 2; ++member) {
    const auto address = reinterpret_cast<std::uintptr_t>(region->places().first + member * Places::per_line);
    EXPECT_EQ(address / 64 - reinterpret_cast<std::uintptr_t>(region->lines) / 64, static_cast<unsigned>(member));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(region->lines) % 64, 0U);
  }
  EXPECT_EQ(region->places().of(region->capacity), nullptr);
  enter_region(*thread, *region, 1);
  leave_region(*thread, true);
  close_region(*thread, *region);
}

TEST_F(RegionTest, NothingIsMeasuredInsideMpi) {
  thread->state = State::mpi;
  EXPECT_EQ(open_region(*thread, 2), nullptr);
  thread->state = State::useful;
}

TEST_F(RegionTest, MemoryIsUsedAgain) {
  auto* first = open_region(*thread, 2);
  enter_region(*thread, *first, 2);
  *first->places().of(1) = 0;
  leave_region(*thread, true);
  close_region(*thread, *first);
  auto* second = open_region(*thread, 3);
  EXPECT_EQ(second, first);
  enter_region(*thread, *second, 1);
  leave_region(*thread, true);
  close_region(*thread, *second);
  auto* larger = open_region(*thread, 1000);
  EXPECT_GE(larger->capacity, 1000);
  enter_region(*thread, *larger, 1);
  leave_region(*thread, true);
  close_region(*thread, *larger);
}

TEST_F(RegionTest, WaitingOfAThreadThatIsNotUsefulPasses) {
  thread->state = State::outside;
  { const Waiting waiting; }
  EXPECT_EQ(thread->state, State::outside);
  thread->become_useful(ticks());
  {
    const Waiting waiting;
    EXPECT_EQ(thread->state, State::waiting);
  }
  EXPECT_EQ(thread->state, State::useful);
}

}  // namespace
}  // namespace paceline::probe
