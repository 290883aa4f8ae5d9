#include "host/child_worker.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <unistd.h>

namespace paceline {
namespace {

std::string death_of(const ChildWorker::Answer& answer) {
  ChildWorker worker(4096, std::int64_t{256} << 20, answer);
  try {
    worker.call({}, 1);
  } catch (const ChildWorker::Died& death) {
    EXPECT_THROW(worker.call({}, 1), ChildWorker::Died) << "and the next call";
    return death.why;
  }
  return {};
}

TEST(ChildWorker, AnswersInSharedMemory) {
  int calls = 0;
  ChildWorker worker(4096, std::int64_t{256} << 20,
                     [&](std::span<const std::int64_t> request, std::span<std::byte> shared) {
                       ++calls;
                       const auto sum = request[0] + request[1] + calls;
                       std::memcpy(shared.data(), &sum, sizeof sum);
                     });
  for (std::int64_t call = 1; call < 4; ++call) {
    worker.call(std::array<std::int64_t, 2>{40, call}, 1);
    std::int64_t sum = 0;
    std::memcpy(&sum, worker.shared().data(), sizeof sum);
    EXPECT_EQ(sum, 40 + 2 * call);
  }
  EXPECT_EQ(calls, 0) << "of the child's own memory nothing comes back";
}

TEST(ChildWorker, HandsOnErrors) {
  ChildWorker worker(4096, std::int64_t{256} << 20,
                     [](auto, auto) { throw Error(ErrorKind::input, "bad", "why", "do"); });
  for (int call = 0; call < 2; ++call) {
    try {
      worker.call({}, 1);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_STREQ(error.what(), "bad (why); do");
    }
  }
}

TEST(ChildWorker, MayCrashOrNeverEnd) {
  EXPECT_NE(death_of([](auto, auto) { raise(SIGSEGV); }).find("crashes"), std::string::npos);
#if !defined(__SANITIZE_ADDRESS__)  // which takes the signal of the time limit for itself
  EXPECT_NE(death_of([](auto, auto) {
              for (volatile int turn = 0;;) turn = turn + 1;
            }).find("does not end"),
            std::string::npos);
#endif
  EXPECT_NE(death_of([](auto, auto) { _exit(3); }), "");
}

TEST(ChildWorker, HasSoMuchMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has an allocator of its own, which ends the process";
#endif
  ChildWorker worker(4096, std::int64_t{64} << 20, [](auto, auto) {
    const std::vector<char> large(std::size_t{256} << 20, 'x');
    if (large.back() != 'x') throw std::logic_error("memory");
  });
  try {
    worker.call({}, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("--memory-limit"), std::string::npos);
  }
}

}  // namespace
}  // namespace paceline
