// The downloader against a server whose every byte is prepared: what is tried again, when it is given up, and that
// nobody waits for what has been stopped.
#include "workloads/fetch/downloader.hpp"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <support.hpp>

#include "canned_server.hpp"

namespace paceline::fetch {
namespace {

using test::CannedServer;
using test::http;

Settings quick() {
  Settings settings;
  settings.timeout_s = 20;
  settings.backoff_s = 0.001;
  return settings;
}

bool never() { return false; }

Answer fetched(const std::string& url, const Settings& settings = quick()) {
  MemoryBudget memory(1 << 20);
  Downloader downloader(settings, never, memory);
  auto answer = downloader.fetch(url, 0);
  EXPECT_EQ(memory.held(), static_cast<std::int64_t>(answer.body.size())) << "of attempts that failed nothing is left";
  return answer;
}

/// A server that takes requests and says nothing to them.
auto silent_until(const std::atomic<bool>& is_over) {
  return [&is_over](int, const std::string&) {
    while (!is_over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return std::string();
  };
}

std::future<Answer> started(Downloader& downloader, const std::string& url, std::uint64_t number) {
  return std::async(std::launch::async, [&downloader, url, number] { return downloader.fetch(url, number); });
}

TEST(Downloader, TakesWhatTheServerSends) {
  const std::string body("a\0b\xff", 4);
  const CannedServer server([&](int, const std::string& head) {
    EXPECT_EQ(head.rfind("GET /x?y=1 HTTP/1.1\r\n", 0), 0U) << head;
    return http("200 OK", body);
  });
  const auto answer = fetched(server.url("/x?y=1"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.text(), body);
  EXPECT_EQ(answer.error, "");
  EXPECT_EQ(answer.attempts, 1);
  EXPECT_FALSE(answer.is_failure());
}

TEST(Downloader, TakesErrorsOfHttpForAnswers) {
  const CannedServer server([](int, const std::string&) { return http("404 Not Found", "gone"); });
  const auto answer = fetched(server.url());
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body.text(), "gone");
  EXPECT_TRUE(answer.is_failure());
  EXPECT_EQ(server.connections(), 1);
}

TEST(Downloader, TriesAgainWhatMayPass) {
  // Nothing at all, a body cut short, too busy, and then an answer.
  const CannedServer server([](int connection, const std::string&) -> std::string {
    if (connection == 0) return "";
    if (connection == 1) return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    if (connection == 2) return http("503 Service Unavailable", "busy");
    return http("200 OK", "whole");
  });
  const auto answer = fetched(server.url());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.text(), "whole");
  EXPECT_EQ(answer.attempts, 4);
}

TEST(Downloader, GivesUpAfterTheRetries) {
  const CannedServer server([](int, const std::string&) { return http("500 Oops", "sorry"); });
  auto settings = quick();
  settings.retries = 2;
  const auto answer = fetched(server.url(), settings);
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.text(), "sorry");
  EXPECT_EQ(answer.attempts, 3);
  EXPECT_EQ(server.connections(), 3);

  const CannedServer cut([](int, const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"; });
  const auto nothing = fetched(cut.url(), settings);
  EXPECT_EQ(nothing.status, 0);
  EXPECT_EQ(nothing.body.text(), "");
  EXPECT_NE(nothing.error, "");
  EXPECT_EQ(nothing.attempts, 3);
}

TEST(Downloader, WaitsAsLongAsTheServerAsks) {
  const CannedServer server([](int connection, const std::string&) {
    return connection == 0 ? http("429 Too Many Requests", "", "Retry-After: 1\r\n") : http("200 OK", "now");
  });
  const auto start = Clock::now();
  EXPECT_EQ(fetched(server.url()).body.text(), "now");
  EXPECT_GE(Clock::now() - start, std::chrono::seconds(1));
}

TEST(Downloader, AsksNoMoreWhereTheServerWantsTooLong) {
  const CannedServer server(
      [](int, const std::string&) { return http("503 Service Unavailable", "later", "Retry-After: 3600\r\n"); });
  const auto answer = fetched(server.url());
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.attempts, 1);
}

TEST(Downloader, LimitsBodies) {
  auto settings = quick();
  settings.largest_body = 10;
  const std::string ten(10, 'x');
  const auto without_length = [](const std::string& body) { return "HTTP/1.1 200 OK\r\n\r\n" + body; };
  for (const bool is_told : {true, false}) {
    const CannedServer just(
        [&](int, const std::string&) { return is_told ? http("200 OK", ten) : without_length(ten); });
    EXPECT_EQ(fetched(just.url(), settings).body.text(), ten);
    const CannedServer more(
        [&](int, const std::string&) { return is_told ? http("200 OK", ten + "x") : without_length(ten + "x"); });
    const auto answer = fetched(more.url(), settings);
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(answer.body.text(), "");
    EXPECT_EQ(answer.error, "the body is larger than --memory-limit allows");
    EXPECT_EQ(answer.attempts, 1);
  }
}

TEST(Downloader, FollowsRedirectsButNotForEverAndNotToFiles) {
  const CannedServer server([&](int, const std::string& head) {
    if (head.rfind("GET /a ", 0) == 0) return http("302 Found", "not here", "Location: /b\r\n");
    if (head.rfind("GET /b ", 0) == 0) return http("200 OK", "here");
    if (head.rfind("GET /file ", 0) == 0) return http("302 Found", "", "Location: file:///etc/passwd\r\n");
    return http("302 Found", "", "Location: /loop\r\n");
  });
  EXPECT_EQ(fetched(server.url("/a")).body.text(), "here");
  const auto loop = fetched(server.url("/loop"));
  EXPECT_EQ(loop.status, 0);
  EXPECT_NE(loop.error.find("redirects"), std::string::npos) << loop.error;
  const auto file = fetched(server.url("/file"));
  EXPECT_EQ(file.status, 0);
  EXPECT_EQ(file.body.text(), "");
  EXPECT_NE(file.error, "");
}

TEST(Downloader, ReadsRegularFiles) {
  const test::TempFolder folder;
  std::ofstream(folder / "a b") << "text";
  const auto prefix = "file://" + folder.path().string();
  const auto answer = fetched(prefix + "/a%20b");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.text(), "text");
  for (const auto& url : {prefix + "/missing", prefix, std::string("file:///dev/zero")}) {
    const auto failed = fetched(url);
    EXPECT_EQ(failed.status, 0) << url;
    EXPECT_NE(failed.error.find("no such file"), std::string::npos) << failed.error;
  }
}

TEST(Downloader, RecordsWhomItCanNotReach) {
  std::string url;
  {
    const CannedServer gone([](int, const std::string&) { return std::string(); });
    url = gone.url();
  }
  const auto answer = fetched(url);
  EXPECT_EQ(answer.status, 0);
  EXPECT_TRUE(answer.error.ends_with("Couldn't connect to server")) << answer.error;
  EXPECT_EQ(answer.attempts, 4);
}

TEST(Downloader, TimesOut) {
  std::atomic<bool> is_over = false;
  const CannedServer server(silent_until(is_over));
  auto settings = quick();
  settings.timeout_s = 0.05;
  settings.retries = 1;
  const auto answer = fetched(server.url(), settings);
  is_over = true;
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.error, "Timeout was reached");
  EXPECT_EQ(answer.attempts, 2);
}

TEST(Downloader, EndsAllWaitingWhenStopped) {
  std::atomic<bool> is_stopped = false;
  const CannedServer server(silent_until(is_stopped));
  auto settings = quick();
  settings.timeout_s = 1000;
  MemoryBudget memory(1 << 20);
  Downloader downloader(
      settings, [&] { return is_stopped.load(); }, memory);
  std::vector<std::future<Answer>> futures;
  for (std::uint64_t i = 0; i < 3; ++i) futures.push_back(started(downloader, server.url(), i));
  is_stopped = true;
  for (auto& future : futures) EXPECT_THROW(future.get(), Downloader::Stopped);
  EXPECT_THROW(downloader.fetch(server.url(), 9), Downloader::Stopped);
}

TEST(Downloader, HoldsNoMoreThanItMayButForTheOldest) {
  const std::string large(1 << 20, 'x');
  const CannedServer first([&](int, const std::string&) { return http("200 OK", large); });
  const CannedServer second([&](int, const std::string&) { return http("200 OK", large); });
  auto settings = quick();
  settings.connections = 8;
  MemoryBudget memory(1000);  // less than libcurl gives at once
  Downloader downloader(settings, never, memory);
  std::vector<std::future<void>> all;
  for (std::uint64_t i = 0; i < 16; ++i) {
    all.push_back(std::async(std::launch::async, [&, i] {
      EXPECT_EQ(downloader.fetch((i % 2 == 0 ? first : second).url(), i).body.text(), large);
      memory.give_back(std::ssize(large));
    }));
  }
  for (auto& one : all) one.get();
  EXPECT_EQ(memory.held(), 0);
}

TEST(Budget, LetsTheOldestPass) {
  int oldest = 0, other = 0;
  const auto announced = Budget::Length::announced, unknown = Budget::Length::unknown;
  MemoryBudget memory(90);
  memory.take(60);
  Budget budget{memory, 60, 0, &oldest};
  EXPECT_EQ(budget.finished(), 0);
  EXPECT_TRUE(budget.allows(&other, 0, 30, announced));
  EXPECT_FALSE(budget.allows(&other, 0, 31, announced));
  for (const auto length : {announced, unknown}) {
    EXPECT_TRUE(budget.allows(&oldest, 40, 1000, length));
    // It waits for what is finished, which goes away by itself.
    memory.take(10);
    EXPECT_EQ(budget.finished(), 10);
    EXPECT_TRUE(budget.allows(&oldest, 40, 40, length));
    EXPECT_FALSE(budget.allows(&oldest, 40, 41, length));
    EXPECT_FALSE(budget.allows(&other, 0, 21, length));
    // And for those that have all that they need.
    memory.give_back(10);
    budget.sure = 10;
    EXPECT_TRUE(budget.allows(&oldest, 40, 40, length));
    EXPECT_FALSE(budget.allows(&oldest, 40, 41, length));
    budget.sure = 0;
  }
}

TEST(Budget, LeavesRoomForTheOldestWhereNobodyKnowsHowLongTheOthersWillBe) {
  int oldest = 0, other = 0;
  MemoryBudget memory(90);
  memory.take(60);
  Budget budget{memory, 60, 50, &oldest};
  EXPECT_TRUE(budget.allows(&other, 5, 20, Budget::Length::unknown));
  EXPECT_FALSE(budget.allows(&other, 5, 21, Budget::Length::unknown));
  EXPECT_TRUE(budget.allows(&other, 0, 21, Budget::Length::announced));
  memory.take(20);
  budget.held = 80;
  EXPECT_FALSE(budget.allows(&other, 5, 11, Budget::Length::unknown));
}

}  // namespace
}  // namespace paceline::fetch
