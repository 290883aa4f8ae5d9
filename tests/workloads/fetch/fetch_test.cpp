// The fetch workload as the engine sees it: shapes, shares of the connections, parcels, what fails, what makes no
// sense.
#include "workloads/fetch/fetch.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <CLI/CLI.hpp>
#include <support.hpp>

#include "canned_server.hpp"
#include "storage/parcel.hpp"

namespace paceline::fetch {
namespace {

using test::error_of;
using test::says;

std::unique_ptr<Fetch> parsed(const std::string& line) {
  auto fetch = std::make_unique<Fetch>();
  CLI::App app;
  fetch->add_options(app);
  app.parse(line);
  fetch->prepare();
  return fetch;
}

std::string digest_of_list(const Fetch& fetch) { return std::get<std::string>(fetch.shape().attributes.at(1).second); }

TEST(Fetch, HasARowForEachUrl) {
  const auto fetch = parsed("http://a/1 http://a/1 https://b");
  const auto& shape = fetch->shape();
  EXPECT_EQ(shape.items(), 3);
  EXPECT_TRUE(shape.is_variable());
  EXPECT_EQ(shape.records, "/fetch");
  std::vector<std::string> paths;
  for (const auto& column : shape.columns) paths.push_back(column.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"/fetch/url", "/fetch/status", "/fetch/bytes", "/fetch/body", "/fetch/error"}));
  EXPECT_NE(digest_of_list(*fetch), digest_of_list(*parsed("http://a/1 https://b http://a/1")));
  EXPECT_EQ(digest_of_list(*fetch), digest_of_list(*parsed("http://a/1 http://a/1 https://b --parallel 3")));
}

TEST(Fetch, ReadsItsListOnce) {
  const test::TempFolder folder;
  std::ofstream(folder / "list") << "# x\nhttp://a\n\nhttp://b\n";
  const auto fetch = parsed("--from " + (folder / "list").string());
  EXPECT_TRUE(fetch->has_brief());
  const auto brief = fetch->read_brief(1 << 20);
  std::filesystem::remove(folder / "list");
  fetch->set_brief(brief);
  EXPECT_EQ(fetch->shape().items(), 2);
  EXPECT_FALSE(parsed("http://a")->has_brief());

  const auto error = error_of([&] { (void)fetch->read_brief(1 << 20); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ExitCode::input);
  EXPECT_TRUE(error_of([&] { fetch->set_brief("http://a\nb\n"); }));
}

TEST(Fetch, SharesTheConnectionsOut) {
  for (const int parallel : {1, 2, 7, 100}) {
    const auto fetch = parsed("http://a --parallel " + std::to_string(parallel));
    for (const int ranks : {1, 2, 3, 64}) {
      int all = 0;
      for (int rank = 0; rank < ranks; ++rank) all += fetch->concurrency({rank, ranks, 5});
      EXPECT_EQ(all, parallel) << ranks;
    }
  }
}

TEST(Fetch, MakesParcelsAndNotesWhatFailed) {
  const test::CannedServer server([](int, const std::string& head) {
    return head.rfind("GET /1 ", 0) == 0 ? test::http("200 OK", "yes") : test::http("404 Not Found", "no");
  });
  const auto fetch = parsed(server.url("/1") + " " + server.url("/2"));
  fetch->start({{0, 1, 1}, 1 << 20, [] { return false; }, [] { return std::int64_t{0}; }});
  std::vector<std::byte> first, second, again;
  EXPECT_EQ(fetch->compute_parcel(0, {}, first).useful, 3U);
  EXPECT_EQ(fetch->compute_parcel(1, {}, second).useful, 2U);
  const ParcelView view(fetch->shape(), 1, second);
  std::uint16_t status = 0;
  std::memcpy(&status, view.fixed(1).data(), sizeof status);
  EXPECT_EQ(status, 404);
  EXPECT_EQ(view.texts(0).front(), server.url("/2"));
  EXPECT_EQ(view.texts(3).front(), "no");
  EXPECT_EQ(view.texts(4).front(), "");
  ASSERT_EQ(fetch->failures().size(), 1U);
  EXPECT_EQ(fetch->failures().front().item, 1);
  EXPECT_EQ(fetch->failures().front().what, server.url("/2") + ": 404");

  fetch->compute_parcel_reference(1, {}, again);
  EXPECT_EQ(again, second);
  EXPECT_EQ(fetch->failures().size(), 1U) << "a second look at the same";
  fetch->end();

  const auto resumed = parsed(server.url("/1") + " " + server.url("/2"));
  EXPECT_TRUE(resumed->is_settled(first));
  EXPECT_FALSE(resumed->is_settled(second));
  EXPECT_TRUE(resumed->failures().empty()) << "what is tried again may yet succeed";
}

TEST(Fetch, LeavesAnItemUnfinishedWhenStopped) {
  std::atomic<bool> is_stopped = false;
  const test::CannedServer server([&](int, const std::string&) {
    is_stopped = true;
    return std::string();
  });
  const auto fetch = parsed(server.url() + " --backoff 1000 --longest-wait 1000");
  fetch->start({{0, 1, 1}, 1 << 20, [&] { return is_stopped.load(); }, [] { return std::int64_t{0}; }});
  std::vector<std::byte> parcel;
  EXPECT_THROW(fetch->compute_parcel(0, {}, parcel), Interrupted);
  EXPECT_TRUE(parcel.empty());
  fetch->end();
}

TEST(Fetch, RefusesWhatMakesNoSense) {
  for (const auto* line : {"", "ftp://a", "http://a --timeout nan"}) {
    const auto error = error_of([&] { parsed(line); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->code(), ExitCode::usage) << line;
  }
  for (const auto* line : {"http://a --from x", "http://a --parallel 0", "http://a --retries -1"}) {
    EXPECT_THROW(parsed(line), CLI::ParseError) << line;
  }
  const auto error = error_of([] { parsed("http://a --ca-file /missing.pem"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ExitCode::input);
  EXPECT_TRUE(says(*error, "/missing.pem"));
  const auto fetch = parsed("http://a");
  EXPECT_TRUE(error_of([&] { fetch->start({{0, 1, 1}, 100, [] { return false; }, [] { return std::int64_t{0}; }}); }));
}

}  // namespace
}  // namespace paceline::fetch
