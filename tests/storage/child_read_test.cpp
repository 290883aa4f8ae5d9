// A read that crashes, hangs or wants too much memory is an error of this process, and nothing worse.
#include "storage/child_read.hpp"

#include <atomic>
#include <csignal>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

using Bytes = std::vector<std::byte>;

std::optional<Error> error_of_read(const std::function<Bytes()>& read, const ReadLimits& limits = {}) {
  return test::error_of([&] { read_in_child(read, limits); });
}

TEST(ChildReadTest, GivesBackWhatWasRead) {
  EXPECT_TRUE(read_in_child([] { return Bytes(); }).empty());
  const auto bytes = read_in_child([] { return Bytes(3'000'000, std::byte{7}); });
  EXPECT_EQ(bytes, Bytes(3'000'000, std::byte{7}));
}

TEST(ChildReadTest, PassesErrorsOn) {
  const auto error = error_of_read([]() -> Bytes { throw Error(ErrorKind::input, "no", "why", "do"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
  EXPECT_STREQ(error->what(), "no (why); do");
}

TEST(ChildReadTest, SurvivesACrash) {
  const auto error = error_of_read([]() -> Bytes {
    std::raise(SIGSEGV);
    return {};
  });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "reading it crashes")) << error->what();
}

TEST(ChildReadTest, EndsWhatHangs) {
  const auto error = error_of_read(
      []() -> Bytes {
        for (std::atomic<int> i = 0;; ++i) {
        }
      },
      {.seconds = 0.3});
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "does not end within 0.3 s")) << error->what();
}

TEST(ChildReadTest, BoundsMemory) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer ends a process that gets no memory, where others throw";
#endif
  const auto error = error_of_read(
      []() -> Bytes {
        Bytes bytes(std::size_t{1} << 30, std::byte{1});
        return {bytes.back()};
      },
      {.memory_bytes = 64 << 20});
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "more memory")) << error->what();
}

}  // namespace
}  // namespace paceline
