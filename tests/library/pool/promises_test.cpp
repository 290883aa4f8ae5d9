// What the pool promises beyond the ordinary case: each of these failed once.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <ranges>
#include <set>
#include <stdexcept>

#include "library/pool/pool_case.hpp"

namespace paceline {
namespace {

using namespace std::chrono_literals;
using test::says;
using test::waits_for;
using test::with_pool;
using test::with_pools;

/// Reads itself only if it likes what it reads.
struct Picky {
  int number = 0;
};

}  // namespace

template <>
struct Serialiser<Picky> {
  static void write(ByteWriter& writer, const Picky& picky) {
    write_value(writer, picky.number);
    write_value(writer, std::string("behind it"));
  }
  static void read(ByteReader& reader, Picky& picky) {
    read_value(reader, picky.number);
    if (picky.number % 3 == 0) throw std::runtime_error("no threes");
    if (picky.number % 5 == 0) return;
    std::string behind;
    read_value(reader, behind);
  }
};

namespace {

int number_of(const Picky& picky) { return picky.number; }
Picky picky_of(int number) { return {number}; }
int add(int a, int b) { return a + b; }
int same(int x) { return x; }
std::uint8_t same_byte(std::uint8_t x) { return x; }
double half(double x) { return x / 2; }
std::string text_of(int x) { return std::string(100, static_cast<char>('a' + x % 26)); }
std::string block_of(std::int64_t bytes) { return std::string(static_cast<std::size_t>(bytes), 'x'); }
int busy_for(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return Comm::world().rank();
}
void out_of_range(int x) { (void)std::vector<int>().at(static_cast<std::size_t>(x)); }
struct Odd : std::domain_error {
  using std::domain_error::domain_error;
};
void odd() { throw Odd("odd"); }
void bad_alloc() { throw std::bad_alloc(); }
void number_three() { throw 3; }

Pool* the_pool = nullptr;
std::string submits_from_a_task(int x) {
  try {
    return std::to_string(the_pool->submit<same>(x).get());
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Promises, AReadThatThrowsSpoilsNoOtherTask) {
  with_pools([](Pool& pool) {
    std::vector<Picky> inputs;
    for (int i = 0; i < 30; ++i) inputs.push_back({i});
    for (const int chunk : {1, 7, 30}) {
      int good = 0, refused = 0, too_short = 0;
      auto results = pool.imap<number_of>(inputs, {.chunk = chunk});
      for (auto it = results.begin(); it != results.end(); ++it) {
        try {
          EXPECT_EQ(*it, results.task());
          ++good;
        } catch (const TaskError& error) {
          EXPECT_TRUE(says(error, "argument 1 of a task (paceline::")) << error.what();
          refused += says(error, "no threes");
          too_short += says(error, "bytes of it were not read");
        }
      }
      EXPECT_EQ(std::tuple(good, refused, too_short), std::tuple(16, 10, 4)) << chunk;
    }
    // The same of results, which are read here.
    int good = 0, bad = 0;
    auto results = pool.imap<picky_of>(std::views::iota(0, 30), {.chunk = 30});
    for (auto it = results.begin(); it != results.end(); ++it) {
      const auto error = test::error_of([&] { good += (*it).number == results.task(); });
      bad += error && says(*error, "a result (paceline::");
    }
    EXPECT_EQ(std::pair(good, bad), std::pair(16, 14));
  });
}

TEST(Promises, FastTasksDoNotMakeOthersSerial) {
  with_pool({.threads = 2}, [](Pool& pool) {
    for (int round = 0; round < 2; ++round) {
      pool.map<same>(std::views::iota(0, 120'000));
      std::set<int> ranks;
      for (const int rank : pool.imap_unordered<busy_for>(std::vector<int>(64, 20))) ranks.insert(rank);
      EXPECT_EQ(std::ssize(ranks), Comm::world().size());
      std::vector<int> done(static_cast<std::size_t>(Comm::world().size()));
      for (const int rank : pool.imap_unordered<busy_for>(std::vector<int>(64, 20))) {
        ++done[static_cast<std::size_t>(rank)];
      }
      for (const int tasks : done) EXPECT_LE(tasks, 2 * 64 / std::ssize(done) + 4);
    }
  });
}

TEST(Promises, StreamsBeginWithLittleAndHoldFewBytes) {
  with_pool({.threads = 1}, [](Pool& pool) {
    std::int64_t taken = 0;
    auto inputs =
        std::views::iota(0, 1000) | std::views::transform([&](int) { return ++taken, std::int64_t{1'000'000}; });
    std::int64_t seen = 0;
    for (const auto& block : pool.imap<block_of>(inputs, {.bytes = 8'000'000})) {
      EXPECT_EQ(block.size(), 1'000'000U);
      ++seen;
      EXPECT_TRUE(seen > 1 || taken <= 2 * pool.workers() + 6) << taken;
      EXPECT_LE(taken - seen, std::max(9, 2 * pool.workers() + 4));
      if (seen == 60) break;
    }
    EXPECT_TRUE(test::error_of([&] { pool.map<same>(std::vector{1}, -5); }));
    EXPECT_TRUE(test::error_of([&] { pool.imap<same>(std::vector{1}, {.window = -1}); }));
    EXPECT_TRUE(test::error_of([&] { pool.imap<same>(std::vector{1}, {.chunk = -1}); }));
  });
}

TEST(Promises, StreamsAreInputRanges) {
  with_pools([](Pool& pool) {
    auto texts = pool.imap<text_of>(std::views::iota(0, 100));
    int good = 0;
    for (const auto& text : texts | std::views::filter([](const auto& t) { return t[0] != 'b'; })) {
      EXPECT_EQ(text.size(), 100U);
      ++good;
    }
    EXPECT_EQ(good, 96);
  });
}

TEST(Promises, WaitsAreAsLongAsTheySay) {
  with_pools([](Pool& pool) {
    const test::TempFolder folder;
    const auto go = (folder / "go").string();
    auto late = pool.submit<waits_for>(go);
    EXPECT_FALSE(late.wait_for(1ms));
    EXPECT_FALSE(late.wait_for(-1h));
    EXPECT_FALSE(late.wait_until(std::chrono::system_clock::now()));
    EXPECT_EQ(late.status(), FutureStatus::waiting);
    std::jthread later([&] { std::this_thread::sleep_for(20ms), std::ofstream{go}; });
    EXPECT_TRUE(late.wait_for(std::chrono::hours::max()));
    EXPECT_EQ(late.status(), FutureStatus::value);
    EXPECT_EQ(late.exception(), nullptr);
    EXPECT_EQ(late.get(), 1);
  });
}

TEST(Promises, FuturesAreMovedOnly) {
  static_assert(!std::is_copy_constructible_v<Future<int>> && !std::is_copy_assignable_v<Future<int>>);
  static_assert(std::is_nothrow_move_constructible_v<Future<int>>);
}

TEST(Promises, ArgumentsKeepTheirValues) {
  with_pools([](Pool& pool) {
    EXPECT_EQ(pool.submit<same_byte>(255).get(), 255);
    EXPECT_EQ(pool.submit<half>(3).get(), 1.5);
    EXPECT_EQ(pool.submit<same>(std::size_t{7}).get(), 7);
    EXPECT_EQ(pool.submit<same>(4.0).get(), 4);
    for (const auto& error :
         {test::error_of([&] { pool.submit<same_byte>(256); }), test::error_of([&] { pool.submit<same_byte>(-1); }),
          test::error_of([&] { pool.submit<same>(2.5); }), test::error_of([&] { pool.submit<same>(1e300); }),
          test::error_of([&] { pool.submit<half>((std::int64_t{1} << 53) + 1); }),
          test::error_of([&] { pool.map<same>(std::vector{std::int64_t{1} << 40}); })}) {
      ASSERT_TRUE(error);
      EXPECT_TRUE(says(*error, "argument 1 of a task does not fit")) << error->what();
    }
  });
}

TEST(Promises, ContinuationsMayTakeTheirTimeAndWait) {
  // Longer than silence_s, and with one thread on rank 0, which is the one that waits.
  with_pool({.threads = 1, .silence_s = 0.5}, [](Pool& pool) {
    std::vector<Future<int>> sums;
    for (int i = 0; i < 8; ++i) {
      sums.push_back(pool.submit<same>(i).then([&pool](Future<int> done) {
        std::this_thread::sleep_for(300ms);
        auto one = pool.submit<add>(done.get(), 1);
        auto all = pool.map<same>(std::views::iota(0, 10));
        return one.get() + all[1];
      }));
    }
    for (int i = 0; i < 8; ++i) EXPECT_EQ(sums[static_cast<std::size_t>(i)].get(), i + 2);
  });
}

TEST(Promises, TasksThatSubmitAreTheSameErrorEverywhere) {
  Pool pool(Comm::world(), {.threads = 1});
  the_pool = &pool;
  Comm::world().barrier();
  if (!pool.is_driver()) return;
  for (const auto& said : pool.on_each_rank<submits_from_a_task>(1)) {
    EXPECT_TRUE(said.find("a task gave a task to its pool") != std::string::npos) << said;
  }
}

TEST(Promises, StandardExceptionsArriveAsSuch) {
  with_pools([](Pool& pool) {
    EXPECT_THROW(pool.submit<out_of_range>(1).get(), std::out_of_range);
    EXPECT_THROW(pool.submit<odd>().get(), std::domain_error);
    EXPECT_THROW(pool.submit<bad_alloc>().get(), std::bad_alloc);
    EXPECT_THROW(pool.submit<number_three>().get(), Error);
    for (auto* future : {new auto(pool.submit<out_of_range>(1)), new auto(pool.submit<odd>())}) {
      const std::unique_ptr<Future<void>> owner(future);
      future->wait();
      EXPECT_EQ(future->status(), FutureStatus::error);
      try {
        std::rethrow_exception(future->exception());
      } catch (const TaskError& error) {
        EXPECT_EQ(error.failure(), TaskFailure::threw);
        EXPECT_TRUE(says(error, " failed on rank ")) << error.what();
      }
      try {
        future->get();
        FAIL();
      } catch (const std::exception& error) {
        EXPECT_NE(std::string(error.what()).find(" failed on rank "), std::string::npos);
      }
    }
  });
}

}  // namespace
}  // namespace paceline
