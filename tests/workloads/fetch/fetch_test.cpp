// The fetch workload as the engine sees it: shapes, shares of the connections, items and bodies, what fails, what
// makes no sense.
#include "workloads/fetch/fetch.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <parsed.hpp>
#include <support.hpp>

#include "canned_server.hpp"

namespace paceline::fetch {
namespace {

using test::error_of;
using test::says;

std::unique_ptr<Fetch> parsed(const std::string& line) { return test::workload_of<Fetch>("fetch", line); }

/// An item as the engine has it.
struct Computed {
  std::vector<std::byte> bytes;
  Pieces pieces;

  explicit Computed(const Fetch& fetch) : bytes(fetch.shape().bytes_in({0, 1})) {}
  /// Of a column; texts without the NULs behind them.
  [[nodiscard]] std::string text(const Fetch& fetch, std::size_t column) const {
    std::size_t at = 0;
    for (std::size_t k = 0; k < column; ++k) at += static_cast<std::size_t>(fetch.shape().columns[k].element_bytes());
    const auto size = static_cast<std::size_t>(fetch.shape().columns[column].element_bytes());
    std::string text(reinterpret_cast<const char*>(&bytes[at]), size);
    return text.substr(0, text.find_last_not_of('\0') + 1);
  }
  [[nodiscard]] std::string body() const {
    std::string text;
    for (const auto& piece : pieces) text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return text;
  }
};

std::string digest_of_list(const Fetch& fetch) { return std::get<std::string>(fetch.shape().attributes.at(1).second); }

TEST(Fetch, HasARowForEachUrl) {
  const auto fetch = parsed("http://a/1 http://a/1 https://b");
  const auto& shape = fetch->shape();
  EXPECT_EQ(shape.items(), 3);
  EXPECT_EQ(shape.origins, "/fetch");
  ASSERT_TRUE(shape.variable);
  EXPECT_EQ(shape.variable->path, "/fetch/body");
  EXPECT_EQ(shape.variable->begin_path, "/fetch/body_begin");
  EXPECT_EQ(shape.variable->size_path, "/fetch/bytes");
  std::vector<std::string> paths;
  for (const auto& column : shape.columns) paths.push_back(column.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"/fetch/url", "/fetch/status", "/fetch/error"}));
  EXPECT_EQ(shape.columns[0].width, 10) << "of the longest URL";
  EXPECT_NE(digest_of_list(*fetch), digest_of_list(*parsed("http://a/1 https://b http://a/1")));
  EXPECT_EQ(digest_of_list(*fetch), digest_of_list(*parsed("http://a/1 http://a/1 https://b --parallel 3")));
}

TEST(Fetch, ReadsItsListOnce) {
  const test::TempFolder folder;
  std::ofstream(folder / "list") << "# x\nhttp://a\n\nhttp://b\n";
  const auto fetch = parsed("--from " + (folder / "list").string());
  ASSERT_NE(fetch->parts().root_input, nullptr);
  const auto list = fetch->read_on_root(1 << 20);
  std::filesystem::remove(folder / "list");
  fetch->set_root_input(list);
  EXPECT_EQ(fetch->shape().items(), 2);
  EXPECT_EQ(parsed("http://a")->parts().root_input, nullptr);

  const auto error = error_of([&] { (void)fetch->read_on_root(1 << 20); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
  EXPECT_TRUE(error_of([&] { fetch->set_root_input("http://a\nb\n"); }));
}

TEST(Fetch, SharesTheConnectionsOut) {
  for (const int parallel : {1, 2, 7, 100}) {
    const auto fetch = parsed("http://a --parallel " + std::to_string(parallel));
    for (const int ranks : {1, 2, 3, 64}) {
      int all = 0;
      for (int rank = 0; rank < ranks; ++rank) all += fetch->workers({rank, ranks, 5});
      EXPECT_EQ(all, parallel) << ranks;
    }
  }
}

/// As the engine does it.
Work computed_when_done(Fetch& fetch, std::int64_t item, Computed& output) {
  fetch.begin(item);
  for (;;) {
    if (const auto done = fetch.next_done()) {
      EXPECT_EQ(done, item);
      return fetch.compute({item, item + 1}, {}, {output.bytes, &output.pieces});
    }
  }
}

TEST(Fetch, GivesItemsAsTheyCome) {
  std::atomic<bool> is_free = false;
  const test::CannedServer server([&](int, const std::string& head) {
    while (head.rfind("GET /slow ", 0) == 0 && !is_free) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return test::http("200 OK", "yes");
  });
  const test::CannedServer other([&](int, const std::string&) { return test::http("200 OK", "no"); });
  const auto fetch = parsed(server.url("/slow") + " " + other.url("/1"));
  MemoryBudget memory(1 << 20);
  fetch->start({{0, 1, 1}, 1 << 20, [] { return false; }, &memory});
  fetch->begin(0);
  EXPECT_FALSE(fetch->next_done()) << "it does not wait for ever";
  Computed item(*fetch);
  fetch->begin(1);
  while (true) {
    if (const auto done = fetch->next_done()) {
      EXPECT_EQ(done, 1);
      break;
    }
  }
  fetch->compute({1, 2}, {}, {item.bytes, &item.pieces});
  EXPECT_EQ(item.body(), "no");
  is_free = true;
  while (!fetch->next_done()) {
  }
  fetch->end();
}

TEST(Fetch, MakesItemsWithBodiesAndNotesWhatFailed) {
  const test::CannedServer server([](int, const std::string& head) {
    return head.rfind("GET /1 ", 0) == 0 ? test::http("200 OK", "yes") : test::http("404 Not Found", "no");
  });
  const auto fetch = parsed(server.url("/1") + " " + server.url("/2"));
  MemoryBudget memory(1 << 20);
  fetch->start({{0, 1, 1}, 1 << 20, [] { return false; }, &memory});
  Computed first(*fetch), second(*fetch), again(*fetch);
  EXPECT_EQ(computed_when_done(*fetch, 0, first).useful, 3U);
  EXPECT_EQ(memory.held(), 3) << "until it is written";
  EXPECT_EQ(computed_when_done(*fetch, 1, second).useful, 2U);
  EXPECT_EQ(memory.held(), 5);
  std::uint16_t status = 0;
  std::memcpy(&status, &second.bytes[static_cast<std::size_t>(fetch->shape().columns[0].width)], sizeof status);
  EXPECT_EQ(status, 404);
  EXPECT_EQ(second.text(*fetch, 0), server.url("/2"));
  EXPECT_EQ(second.text(*fetch, 2), "");
  EXPECT_EQ(second.body(), "no");
  EXPECT_EQ(first.body(), "yes");
  ASSERT_EQ(fetch->failures().size(), 1U);
  EXPECT_EQ(fetch->failures().front().item, 1);
  EXPECT_EQ(fetch->failures().front().what, server.url("/2") + ": 404");

  fetch->compute_reference({1, 2}, {}, {again.bytes, &again.pieces});
  EXPECT_EQ(again.bytes, second.bytes);
  EXPECT_EQ(again.body(), second.body());
  EXPECT_EQ(memory.held(), 5) << "what is compared is not written";
  EXPECT_EQ(fetch->failures().size(), 1U) << "a second look at the same";
  fetch->end();

  const auto resumed = parsed(server.url("/1") + " " + server.url("/2"));
  EXPECT_TRUE(resumed->is_settled(first.bytes));
  EXPECT_FALSE(resumed->is_settled(second.bytes));
  EXPECT_TRUE(resumed->failures().empty()) << "what is tried again may yet succeed";
}

TEST(Fetch, LeavesAnItemUnfinishedWhenStopped) {
  std::atomic<bool> is_stopped = false;
  const test::CannedServer server([&](int, const std::string&) {
    is_stopped = true;
    return std::string();
  });
  const auto fetch = parsed(server.url() + " --backoff 1000 --longest-wait 1000");
  MemoryBudget memory(1 << 20);
  fetch->start({{0, 1, 1}, 1 << 20, [&] { return is_stopped.load(); }, &memory});
  Computed item(*fetch);
  EXPECT_THROW(computed_when_done(*fetch, 0, item), Interrupted);
  EXPECT_TRUE(item.pieces.empty());
  fetch->end();
}

TEST(Fetch, RefusesWhatMakesNoSense) {
  for (const auto* line : {"", "ftp://a", "http://a --timeout nan"}) {
    const auto error = error_of([&] { parsed(line); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->kind(), ErrorKind::usage) << line;
  }
  for (const auto* line : {"http://a --from x", "http://a --parallel 0", "http://a --retries -1"}) {
    const auto error = error_of([&] { parsed(line); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->kind(), ErrorKind::usage) << line;
  }
  const auto error = error_of([] { parsed("http://a --ca-file /missing.pem"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
  EXPECT_TRUE(says(*error, "/missing.pem"));
}

TEST(Fetch, KeepsWhyThereIsNoAnswer) {
  const test::TempFolder folder;
  const auto url = "file://" + (folder / "none").string();
  const auto fetch = parsed("--allow-file " + url + " file:///" + std::string(300, 'x'));
  MemoryBudget memory(1 << 20);
  fetch->start({{0, 1, 1}, 1 << 20, [] { return false; }, &memory});
  Computed item(*fetch);
  computed_when_done(*fetch, 0, item);
  fetch->end();
  EXPECT_EQ(item.text(*fetch, 0), url);
  EXPECT_NE(item.text(*fetch, 2).find("no such file"), std::string::npos) << item.text(*fetch, 2);
  EXPECT_TRUE(item.pieces.empty());
}

}  // namespace
}  // namespace paceline::fetch
