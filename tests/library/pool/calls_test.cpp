// What users reach for: function objects, many futures at once, the ends of tasks and pools, coroutines.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <list>
#include <numeric>
#include <ranges>

#include "library/pool/pool_case.hpp"

namespace paceline::calls_test {
namespace {

using namespace std::chrono_literals;
using test::says;
using test::waits_for;
using test::with_pool;
using test::with_pools;

int same(int x) { return x; }
int sleeps_then(int milliseconds, int value) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return value;
}
int rank_of_this() { return Comm::world().rank(); }
void fails() { throw std::runtime_error("it does"); }

/// What travels is what is seen.
struct Polynomial {
  std::vector<double> coefficients;
  double operator()(double x) const {
    double sum = 0;
    for (const double c : coefficients | std::views::reverse) sum = sum * x + c;
    return sum;
  }
};

TEST(Calls, FunctionObjectsTravelWithWhatTheyHold) {
  with_pools([](Pool& pool) {
    const int factor = 3;
    const double shift = 0.5;
    const auto scaled = [factor, shift](int x) { return factor * x + shift; };
    EXPECT_EQ(pool.map(scaled, std::vector{1, 2, 3}), (std::vector{3.5, 6.5, 9.5}));
    EXPECT_EQ(pool.submit(scaled, 7).get(), 21.5);
    EXPECT_EQ(pool.submit([] { return 4; }).get(), 4);
    EXPECT_EQ(pool.map([](int x) { return x * x; }, std::views::iota(0, 1000))[999], 998'001);
    double sum = 0;
    for (const double y : pool.imap(scaled, std::views::iota(0, 100))) sum += y;
    EXPECT_EQ(sum, 3 * 4950 + 50);
    EXPECT_EQ(
        pool.starmap([factor](int a, int b) { return factor * (a + b); }, std::vector<std::pair<int, int>>{{1, 2}}),
        std::vector{9});
    EXPECT_EQ(pool.map(Polynomial{{1, 0, 2}}, std::vector{0.0, 1.0, 3.0}), (std::vector{1.0, 3.0, 19.0}));
    EXPECT_EQ(pool.map_async(Polynomial{{5}}, std::vector{1.0}).get(), std::vector{5.0});
  });
}

TEST(Calls, FuturesComeAsTheyAreReady) {
  with_pools([](Pool& pool) {
    const test::TempFolder folder;
    const auto go = (folder / "go").string();
    std::list<Future<int>> futures;
    futures.push_back(pool.submit<waits_for>(go));
    for (int i = 0; i < 50; ++i) futures.push_back(pool.submit<same>(i));
    if (pool.workers() > 1) {
      EXPECT_NE(wait_any(futures), 0);
      EXPECT_FALSE(wait_all_for(futures, 1ms));
      EXPECT_TRUE(wait_any_for(futures, 1min));
    } else {
      EXPECT_FALSE(wait_any_for(futures, 1ms));
    }
    EXPECT_TRUE(test::error_of([&] {
      for (auto& future : as_completed(futures, 5ms)) EXPECT_TRUE(future.ready());
    }));
    std::ofstream{go};
    int seen = 0;
    std::int64_t sum = 0;
    for (auto& future : as_completed(futures)) {
      EXPECT_TRUE(future.ready());
      sum += future.get();
      ++seen;
    }
    EXPECT_EQ(seen, 51);
    EXPECT_EQ(sum, 49 * 50 / 2 + 1);
    std::vector<Future<int>> more;
    for (int i = 0; i < 10; ++i) more.push_back(pool.submit<same>(i));
    wait_all(more);
    EXPECT_TRUE(wait_all_for(more, 0s));
    std::vector<Future<int>> none;
    EXPECT_EQ(std::ranges::distance(as_completed(none).begin(), std::default_sentinel), 0);
  });
}

TEST(Calls, FinishWaitsForAllThatWasSubmitted) {
  with_pools([](Pool& pool) {
    pool.finish();
    std::atomic<int> followed = 0;
    std::vector<Future<int>> futures;
    for (int i = 0; i < 40; ++i) futures.push_back(pool.submit<sleeps_then>(2, i));
    std::vector<Future<void>> after;
    for (int i = 0; i < 20; ++i) {
      after.push_back(pool.submit<same>(i).then([&](Future<int>) {
        std::this_thread::sleep_for(3ms);
        ++followed;
      }));
    }
    auto many = pool.map_async<sleeps_then>(std::vector<std::pair<int, int>>(30, {1, 5}));
    auto failed = pool.submit<fails>();
    pool.finish();
    EXPECT_EQ(followed, 20);
    EXPECT_TRUE(many.ready());
    for (auto& future : futures) EXPECT_EQ(future.status(), FutureStatus::value);
    EXPECT_EQ(failed.status(), FutureStatus::error);
  });
}

TEST(Calls, EachRankRunsItOnce) {
  with_pools([](Pool& pool) {
    const auto others = pool.map_async<sleeps_then>(std::vector<std::pair<int, int>>(100, {1, 1}));
    const auto ranks = pool.on_each_rank<rank_of_this>();
    std::vector<int> expected(static_cast<std::size_t>(Comm::world().size()));
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(ranks, expected);
    EXPECT_EQ(pool.on_each_rank([](int x) { return 2 * x; }, 4), std::vector<int>(expected.size(), 8));
    EXPECT_THROW(pool.on_each_rank<fails>(), std::runtime_error);
  });
}

int initialised = 0;

TEST(Calls, InitialisesEachRankBeforeItsFirstTask) {
  const PoolOptions options{.threads = 2, .initialise = [] { ++initialised; }};
  initialised = 0;
  with_pool(options, [](Pool& pool) {
    for (const int times : pool.on_each_rank([] { return initialised; })) EXPECT_EQ(times, 1);
  });
  const auto error = test::error_of<AgreedError>([] {
    const Pool pool(Comm::world(), {.initialise = [] {
                      if (Comm::world().rank() == Comm::world().size() - 1) throw std::runtime_error("no");
                    }});
  });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "PoolOptions::initialise failed (no)")) << error->what();
}

TEST(Calls, TerminatesWhatRuns) {
  with_pools([](Pool& pool) {
    const test::TempFolder folder;
    const auto go = (folder / "go").string();
    for (int round = 0; round < 3; ++round) {
      std::vector<Future<int>> stuck;
      for (int i = 0; i < 2 * pool.workers(); ++i) stuck.push_back(pool.submit<waits_for>(go));
      EXPECT_FALSE(stuck.front().wait_for(5ms));
      for (auto& one : stuck) one.terminate();
      for (auto& one : stuck) {
        const auto error = test::error_of<TaskError>([&] { one.get(); });
        ASSERT_TRUE(error);
        EXPECT_TRUE(error->failure() == TaskFailure::terminated || error->failure() == TaskFailure::cancelled);
      }
      auto many = pool.map_async<waits_for>(std::vector<std::string>(100, go));
      EXPECT_FALSE(many.wait_for(2ms));
      many.terminate();
      EXPECT_TRUE(test::error_of<TaskError>([&] { many.get(); }));
      EXPECT_EQ(pool.map<same>(std::views::iota(0, 50))[49], 49) << "other threads took the places";
    }
    auto done = pool.submit<same>(3);
    done.wait();
    done.terminate();
    EXPECT_EQ(done.get(), 3);
    std::ofstream{go};  // threads that were left behind end
  });
}

Future<int> sum_of(Pool& pool, int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await pool.submit<same>(i);
  co_return sum;
}
Future<void> twice(Pool& pool, int n, std::atomic<int>& seen) {
  seen = co_await sum_of(pool, n) + co_await sum_of(pool, n);
}
Future<std::string> what_it_says(Pool& pool) {
  try {
    co_await pool.submit<fails>();
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing";
}
Future<void> fails_too(Pool& pool) { co_await pool.submit<fails>(); }

TEST(Calls, CoroutinesWaitForTasks) {
  with_pools([](Pool& pool) {
    EXPECT_EQ(sum_of(pool, 10).get(), 45);
    std::atomic<int> seen = 0;
    twice(pool, 5, seen).get();
    EXPECT_EQ(seen, 20);
    EXPECT_NE(what_it_says(pool).get().find("(it does)"), std::string::npos);
    auto failed = fails_too(pool);
    EXPECT_THROW(failed.get(), std::runtime_error);
    std::vector<Future<int>> many;
    for (int i = 0; i < 50; ++i) many.push_back(sum_of(pool, i));
    for (int i = 0; i < 50; ++i) EXPECT_EQ(many[static_cast<std::size_t>(i)].get(), i * (i - 1) / 2);
    pool.finish();
  });
}

TEST(Calls, PoolsWorkOnCommunicatorsOfOthers) {
  MPI_Comm others = MPI_COMM_NULL;
  ASSERT_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &others), MPI_SUCCESS);
  {
    Pool pool(Comm::of(others), {.threads = 1});
    EXPECT_TRUE(!pool.is_driver() || pool.submit<same>(5).get() == 5);
  }
  int size = 0;
  EXPECT_EQ(MPI_Comm_size(others, &size), MPI_SUCCESS) << "it is not freed";
  MPI_Comm_free(&others);
}

TEST(Calls, ResultsOfAnySizeArrive) {
  with_pool({.threads = 1, .silence_s = 2}, [](Pool& pool) {
    // Many pieces each, side by side with small ones.
    auto large =
        pool.map_async([](int megabytes) { return std::string(static_cast<std::size_t>(megabytes) << 20, 'x'); },
                       std::vector{30, 1, 100, 0, 3}, 1);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(pool.submit<same>(i).get(), i);
    const auto texts = large.get();
    EXPECT_EQ(texts[2].size(), std::size_t{100} << 20);
    EXPECT_EQ(texts[2].find_first_not_of('x'), std::string::npos);
    EXPECT_EQ(texts[0].size(), std::size_t{30} << 20);
    EXPECT_EQ(texts[3], "");
    const auto lengths = pool.map([](const std::string& text) { return text.size(); }, texts, 1);
    EXPECT_EQ(lengths[2], texts[2].size());
  });
}

}  // namespace
}  // namespace paceline::calls_test
