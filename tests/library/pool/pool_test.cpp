#include <paceline/pool.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "library/pool/pool_case.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;
using test::waits_for;
using test::with_pool;
using test::with_pools;

int squared(int x) { return x * x; }
std::string joined(const std::string& a, const std::vector<int>& b) { return a + std::to_string(b.size()); }
std::vector<int> counted(int n) {
  std::vector<int> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}
std::string as_is(std::string text) { return text; }
int fails_on_threes(int x) {
  if (x % 3 == 0) throw std::runtime_error("no threes: " + std::to_string(x));
  return x;
}
int throws_a_number(int x) { throw x; }
void nothing() {}
int my_rank(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return Comm::world().rank();
}
int sleeps(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}
int sleeps_at_five(int x) {
  if (x == 5) std::this_thread::sleep_for(1500ms);
  return x;
}
TEST(Pool, MapsAnyNumberInAnyChunks) {
  with_pools([](Pool& pool) {
    EXPECT_EQ(pool.workers() % Comm::world().size(), 0);
    for (const int n : {0, 1, 2, 7, 1000, 10'007}) {
      const auto inputs = counted(n);
      for (const int chunk : {0, 1, 3, 20'000}) {
        if (chunk == 1 && n > 1000) continue;
        const auto results = pool.map<squared>(inputs, chunk);
        ASSERT_EQ(results.size(), inputs.size());
        for (int i = 0; i < n; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], i * i) << n << " in " << chunk;
      }
    }
  });
}

TEST(Pool, TakesEveryKindOfInputAndFunction) {
  with_pools([](Pool& pool) {
    EXPECT_EQ(pool.map<squared>(std::views::iota(0, 4)), (std::vector{0, 1, 4, 9}));
    std::istringstream words("3 4 5");
    EXPECT_EQ(pool.map<squared>(std::views::istream<int>(words)), (std::vector{9, 16, 25}));
    EXPECT_EQ(pool.starmap<joined>(std::vector<std::pair<std::string, std::vector<int>>>{{"a", {1, 2}}, {"b", {}}}),
              (std::vector<std::string>{"a2", "b0"}));
    EXPECT_EQ(pool.map<[](double x) { return 1 < x; }>(std::vector{0.5, 1.5}), (std::vector{false, true}));
    EXPECT_EQ(pool.submit<joined>("c", std::vector{1}).get(), "c1");
    EXPECT_EQ(pool.submit<counted>(3L).get(), (std::vector{0, 1, 2}));
    pool.submit<nothing>().get();
    pool.map<sleeps>(std::vector{0, 0});
    // Larger than MPI sends in one go without asking.
    const std::string large(20'000'000, 'x');
    EXPECT_EQ(pool.map<as_is>(std::vector{large, std::string(), large}), (std::vector{large, std::string(), large}));
  });
}

TEST(Pool, EveryRankWorksRankZeroToo) {
  with_pools([](Pool& pool) {
    const auto ranks = pool.map<my_rank>(std::vector<int>(static_cast<std::size_t>(20 * pool.workers()), 5), 1);
    EXPECT_EQ(std::set(ranks.begin(), ranks.end()).size(), static_cast<std::size_t>(Comm::world().size()));
  });
}

TEST(Pool, FuturesAreReadyInAnyOrder) {
  with_pools([](Pool& pool) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3000; ++i) futures.push_back(pool.submit<squared>(i));
    for (int i = 2999; i >= 0; --i) {
      ASSERT_EQ(futures[static_cast<std::size_t>(i)].get(), i * i);
      EXPECT_FALSE(futures[static_cast<std::size_t>(i)].valid());
    }
    EXPECT_TRUE(test::error_of([&] { futures.front().get(); }));
    const test::TempFolder folder;
    auto late = pool.submit<waits_for>((folder / "go").string());
    EXPECT_FALSE(late.ready());
    EXPECT_FALSE(late.wait_for(10ms));
    std::ofstream((folder / "go").string());
    EXPECT_TRUE(late.wait_for(60s));
    EXPECT_TRUE(late.ready());
    EXPECT_EQ(late.get(), 1);
    EXPECT_EQ(pool.map_async<squared>(std::vector{2, 3}).get(), (std::vector{4, 9}));
  });
}

TEST(Pool, ContinuesWithThen) {
  with_pools([](Pool& pool) {
    auto next =
        pool.submit<squared>(3).then([](Future<int> done) { return done.get() + 0.5; }).then([](Future<double> done) {
          return std::to_string(done.get());
        });
    EXPECT_EQ(next.get(), "9.500000");
    // A task after a task.
    auto inner = pool.submit<squared>(2).then([&](Future<int> done) { return pool.submit<squared>(done.get()); });
    EXPECT_EQ(inner.get().get(), 16);
    auto failed = pool.submit<fails_on_threes>(3).then([](Future<int> done) { return done.get(); });
    EXPECT_EQ(test::error_of<TaskError>([&] { failed.get(); })->message(), "no threes: 3");
    std::atomic<int> calls = 0;
    pool.submit<nothing>().then([&](Future<void> done) { done.get(), ++calls; }).get();
    EXPECT_EQ(calls, 1);
  });
}

TEST(Pool, ExceptionsReachTheCallerAndTheOthersGoOn) {
  with_pools([](Pool& pool) {
    auto future = pool.submit<fails_on_threes>(9);
    const auto error = test::error_of<TaskError>([&] { future.get(); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->failure(), TaskFailure::threw);
    EXPECT_EQ(error->message(), "no threes: 9");
    EXPECT_GE(error->rank(), 0);
    EXPECT_LT(error->rank(), Comm::world().size());
    EXPECT_TRUE(test::says(*error, "task 0 failed on rank " + std::to_string(error->rank())));
    EXPECT_TRUE(test::says(*error, "(no threes: 9)"));

    const auto first = test::error_of<TaskError>([&] { pool.map<fails_on_threes>(std::views::iota(1, 1000)); });
    EXPECT_EQ(first->task(), 2);
    for (const int chunk : {1, 10}) {
      int good = 0, bad = 0;
      auto results = pool.imap<fails_on_threes>(std::views::iota(0, 100), {.chunk = chunk});
      for (auto result = results.begin(); result != results.end(); ++result) {
        try {
          EXPECT_EQ(*result, results.task());
          ++good;
        } catch (const TaskError& failed) {
          EXPECT_EQ(failed.task() % 3, 0);
          ++bad;
        }
      }
      EXPECT_EQ(good, 66);
      EXPECT_EQ(bad, 34);
    }
    EXPECT_TRUE(test::error_of<TaskError>([&] { pool.submit<throws_a_number>(1).get(); }));
  });
}

TEST(Pool, CancelsWhatIsNotBegun) {
  with_pools([](Pool& pool) {
    const test::TempFolder folder;
    const auto go = (folder / "go").string();
    std::vector<Future<int>> blockers;
    for (int i = 0; i < 4 * pool.workers() + 8; ++i) blockers.push_back(pool.submit<waits_for>(go));
    auto last = pool.submit<squared>(2);
    auto many = pool.map_async<squared>(std::views::iota(0, 100));
    auto none = pool.map_async<squared>(std::views::iota(0, 0));
    auto then = pool.submit<squared>(3).then([](Future<int> before) { return before.get() + 1; });
    EXPECT_FALSE(none.cancel());
    EXPECT_FALSE(then.cancel()) << "it has no task of its own";
    EXPECT_TRUE(last.cancel());
    EXPECT_TRUE(last.cancel()) << "it still is";
    EXPECT_TRUE(many.cancel());
    std::ofstream{go};
    EXPECT_EQ(test::error_of<TaskError>([&] { last.get(); })->failure(), TaskFailure::cancelled);
    EXPECT_EQ(test::error_of<TaskError>([&] { many.get(); })->failure(), TaskFailure::cancelled);
    for (auto& blocker : blockers) EXPECT_EQ(blocker.get(), 1);
    auto done = pool.submit<squared>(5);
    done.wait();
    EXPECT_FALSE(done.cancel());
    EXPECT_EQ(done.get(), 25);
    EXPECT_EQ(then.get(), 10);
    EXPECT_TRUE(none.get().empty());
  });
}

TEST(Pool, StreamsEndlessInputsWithinTheWindow) {
  with_pools([](Pool& pool) {
    for (const int window : {1, 7, 64}) {
      for (const auto order : {Order::of_inputs, Order::as_they_come}) {
        std::int64_t taken = 0;
        auto endless = std::views::iota(0) | std::views::transform([&](int i) { return ++taken, i; });
        const auto check = [&](auto results) {
          EXPECT_EQ(taken, 0) << "inputs are taken by the loop, not before";
          std::int64_t seen = 0;
          for (const int result : results) {
            ++seen;
            EXPECT_LE(taken, seen + window);
            const bool is_next = result == (seen - 1) * (seen - 1);
            EXPECT_TRUE(is_next || order == Order::as_they_come);
            if (seen == 500) break;
          }
        };
        if (order == Order::of_inputs) {
          check([&] { return pool.imap<squared>(endless, {.window = window}); }());
        } else {
          check([&] { return pool.imap_unordered<squared>(endless, {.window = window}); }());
        }
      }
    }
  });
}

TEST(Pool, StreamsGiveEachResultOnce) {
  with_pools([](Pool& pool) {
    for (const int n : {0, 1, 1000}) {
      std::vector<int> ordered, unordered;
      for (const int result : pool.imap<squared>(counted(n))) ordered.push_back(result);
      for (const int result : pool.imap_unordered<squared>(counted(n))) unordered.push_back(result);
      ASSERT_EQ(std::ssize(ordered), n);
      for (int i = 0; i < n; ++i) EXPECT_EQ(ordered[static_cast<std::size_t>(i)], i * i);
      std::sort(unordered.begin(), unordered.end());
      EXPECT_EQ(unordered, ordered);
    }
  });
}

TEST(Pool, NothingWaitsBehindALongTask) {
  with_pool({.threads = 1, .task_s = 60}, [](Pool& pool) {
    if (pool.workers() == 1) return;
    const test::TempFolder folder;
    const auto go = (folder / "go").string();
    // One thread is left. What was sent ahead to those that wait must come back to it.
    std::vector<Future<int>> late, futures;
    for (int i = 0; i < pool.workers() - 1; ++i) late.push_back(pool.submit<waits_for>(go));
    for (int i = 0; i < 500; ++i) futures.push_back(pool.submit<squared>(i));
    for (int i = 0; i < 500; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i * i);
    std::ofstream{go};
    for (auto& future : late) EXPECT_EQ(future.get(), 1);
  });
}

TEST(Pool, GivesUpTasksThatDoNotReturn) {
  with_pool({.threads = 1, .task_s = 0.3}, [](Pool& pool) {
    for (const int chunk : {1, 10}) {
      int good = 0;
      std::optional<TaskError> error;
      auto results = pool.imap<sleeps_at_five>(std::views::iota(0, 30), {.chunk = chunk});
      for (auto result = results.begin(); result != results.end(); ++result) {
        if (auto failed = test::error_of<TaskError>([&] { good += *result == results.task(); })) error = failed;
      }
      EXPECT_EQ(good, 29);
      ASSERT_TRUE(error);
      EXPECT_EQ(error->failure(), TaskFailure::overran);
      EXPECT_EQ(error->task(), 5);
      EXPECT_TRUE(test::says(*error, "task 5 did not return on rank " + std::to_string(error->rank()) + " on "));
    }
  });
}

TEST(Pool, EndsWithTasksInFlight) {
  for (const int threads : {1, 2}) {
    std::vector<Future<int>> futures;
    std::optional<Future<std::vector<int>>> many;
    std::atomic<int> continued = 0;
    with_pool({.threads = threads}, [&](Pool& pool) {
      auto left = pool.imap<sleeps>(std::vector<int>(100, 2));
      left.begin();
      for (int i = 0; i < 500; ++i) futures.push_back(pool.submit<sleeps>(2));
      many = pool.map_async<sleeps>(std::vector<int>(500, 2));
      // A continuation that comes too late with a task is told, and hangs nothing.
      pool.submit<sleeps>(2).then([&](Future<int>) { return ++continued, pool.submit<sleeps>(2); });
    });
    int done = 0, cancelled = 0;
    for (auto& future : futures) {
      ASSERT_TRUE(future.ready());
      const auto error = test::error_of<TaskError>([&] { done += future.get() == 2; });
      cancelled += error && error->failure() == TaskFailure::cancelled;
    }
    EXPECT_EQ(done + cancelled, std::ssize(futures));
    if (many) {
      EXPECT_EQ(test::error_of<TaskError>([&] { many->get(); })->failure(), TaskFailure::cancelled);
      EXPECT_EQ(continued, 1);
    }
  }
}

TEST(Pool, ComesAndGoesManyTimes) {
  // Messages that are under way when a pool ends would be taken for the next one's.
  for (int round = 0; round < 100; ++round) {
    with_pool({.threads = 1}, [&](Pool& pool) {
      pool.map_async<sleeps>(std::vector<int>(20, 1));
      EXPECT_EQ(pool.submit<squared>(round).get(), round * round);
    });
  }
}

TEST(Pool, AnExceptionOnTheDriverLetsTheOthersGo) {
  bool is_caught = false;
  try {
    with_pool({.threads = 1}, [](Pool& pool) {
      pool.map_async<sleeps>(std::vector<int>(1000, 1));
      throw std::runtime_error("the driver has enough");
    });
  } catch (const std::runtime_error&) {
    is_caught = true;
  }
  EXPECT_EQ(is_caught, Comm::world().rank() == 0);
}

TEST(Pool, ManyThreadsMaySubmit) {
  with_pools([](Pool& pool) {
    std::atomic<std::int64_t> sum = 0;
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        std::vector<Future<int>> futures;
        for (int i = 0; i < 5000; ++i) futures.push_back(pool.submit<squared>(i % 100));
        for (auto& future : futures) sum += future.get();
        for (const int result : pool.map<squared>(std::views::iota(0, 100))) sum += result;
      });
    }
    callers.clear();
    EXPECT_EQ(sum, 4 * (50 + 1) * 328'350);
  });
}

TEST(Pool, OnlyTheDriverGivesTasks) {
  const auto world = Comm::world();
  Pool pool(world, {.threads = 1});
  EXPECT_EQ(pool.is_driver(), world.rank() == 0);
  if (!pool.is_driver()) {
    EXPECT_TRUE(test::says(*test::error_of([&] { pool.submit<squared>(1); }), "only rank 0"));
  }
}

TEST(Pool, RefusesOptionsOnEveryRank) {
  const auto world = Comm::world();
  const auto error_of = [&](PoolOptions options) {
    if (world.rank() != world.size() - 1) options = {};
    return test::error_of([&] { const Pool pool(world, options); });
  };
  EXPECT_EQ(error_of({.threads = -1})->kind(), ErrorKind::usage);
  const char* const before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before != nullptr ? before : "";
  for (const char* many : {"4097", "99999", "99999999999999999999"}) {
    setenv("OMP_NUM_THREADS", many, 1);
    const auto error = error_of({});
    ASSERT_TRUE(error) << many;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
  }
  before != nullptr ? setenv("OMP_NUM_THREADS", kept.c_str(), 1) : unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(error_of({.silence_s = 0})->kind(), ErrorKind::usage);
  EXPECT_EQ(error_of({.task_s = -1})->kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace paceline
