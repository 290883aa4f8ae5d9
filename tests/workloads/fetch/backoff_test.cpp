#include "workloads/fetch/backoff.hpp"

#include <set>

#include <gtest/gtest.h>

namespace paceline::fetch {
namespace {

TEST(Backoff, DoublesWithinItsJitterUpToTheLongest) {
  Settings settings;
  settings.backoff_s = 1;
  settings.longest_wait_s = 60;
  settings.retries = 2000;
  double full = 1;
  for (int failed = 1; failed <= 2000; ++failed, full = std::min(60.0, 2 * full)) {
    const auto wait = wait_before_retry(settings, 7, failed, 0);
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, full / 2) << failed;
    EXPECT_LE(*wait, full) << failed;
  }
}

TEST(Backoff, DependsOnSeedUrlAndAttemptAlone) {
  Settings settings;
  const auto first = wait_before_retry(settings, 1, 1, 0);
  EXPECT_EQ(wait_before_retry(settings, 1, 1, 0), first);
  std::set<double> different;
  for (std::uint64_t url = 0; url < 100; ++url) different.insert(*wait_before_retry(settings, url, 1, 0));
  EXPECT_EQ(different.size(), 100U);
  settings.seed = 1;
  EXPECT_NE(wait_before_retry(settings, 1, 1, 0), first);
}

TEST(Backoff, DoesWhatTheServerAsksOrNothing) {
  const Settings settings;
  EXPECT_EQ(wait_before_retry(settings, 1, 1, 7), 7);
  EXPECT_EQ(wait_before_retry(settings, 1, 1, 60), 60);
  EXPECT_FALSE(wait_before_retry(settings, 1, 1, 61));
  EXPECT_TRUE(wait_before_retry(settings, 1, 3, 0));
  EXPECT_FALSE(wait_before_retry(settings, 1, 4, 0));
}

TEST(Backoff, RepeatsWhatMayPass) {
  for (const int status : {408, 429, 500, 502, 503, 504, 599}) EXPECT_TRUE(may_pass(status)) << status;
  for (const int status : {0, 200, 204, 301, 400, 401, 403, 404, 410, 600}) EXPECT_FALSE(may_pass(status)) << status;
  for (const auto code : {CURLE_OPERATION_TIMEDOUT, CURLE_RECV_ERROR, CURLE_COULDNT_CONNECT, CURLE_PARTIAL_FILE}) {
    EXPECT_TRUE(may_pass(code)) << code;
  }
  for (const auto code : {CURLE_OK, CURLE_PEER_FAILED_VERIFICATION, CURLE_TOO_MANY_REDIRECTS, CURLE_FILESIZE_EXCEEDED,
                          CURLE_WRITE_ERROR, CURLE_UNSUPPORTED_PROTOCOL}) {
    EXPECT_FALSE(may_pass(code)) << code;
  }
}

}  // namespace
}  // namespace paceline::fetch
