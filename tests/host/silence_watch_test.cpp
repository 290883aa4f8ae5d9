#include "host/silence_watch.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace paceline {
namespace {

using namespace std::chrono_literals;

TEST(SilenceWatch, CountsOnlyWhileItLooks) {
  SilenceWatch watch(2, 0.1);
  // As after a suspended job: one look, long after the last.
  std::this_thread::sleep_for(300ms);
  watch.look();
  EXPECT_FALSE(watch.is_silent(0));
  EXPECT_LE(watch.silence(0), 10ms);
}

TEST(SilenceWatch, NoticesWhoIsSilent) {
  SilenceWatch watch(2, 0.05);
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!watch.is_silent(1) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(1ms);
    watch.look();
    watch.hear(0);
  }
  EXPECT_TRUE(watch.is_silent(1));
  EXPECT_FALSE(watch.is_silent(0));
  watch.hear(1);
  EXPECT_FALSE(watch.is_silent(1));
  EXPECT_LT(watch.sign_interval(), 10ms);
}

}  // namespace
}  // namespace paceline
