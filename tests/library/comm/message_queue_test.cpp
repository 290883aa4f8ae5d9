#include "library/comm/message_queue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace paceline::detail {
namespace {

Bytes filled(std::size_t size, int with) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i + static_cast<std::size_t>(with)) % 251);
  return bytes;
}

TEST(MessageQueue, BringsEverySizeInOrder) {
  const auto comm = Comm::world().duplicate();
  SilenceWatch silence(comm.size(), 60);
  MessageQueue queue(comm, silence);
  // Around the limits of small heads and of pieces; heads and bodies of all kinds.
  const std::vector<std::pair<std::size_t, std::size_t>> sizes{
      {0, 0}, {1, 0}, {0, 1}, {65'536, 0}, {65'537, 0}, {262'144, 262'144}, {262'145, 262'143}, {5'000'000, 7'000'001}};
  for (int to = 0; to < comm.size(); ++to) {
    if (to == comm.rank()) continue;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const auto [head, body] = sizes[k];
      queue.send(to, static_cast<int>(k), filled(head, comm.rank()), filled(body, to));
    }
  }
  std::vector<std::size_t> next(static_cast<std::size_t>(comm.size()));
  for (auto left = sizes.size() * static_cast<std::size_t>(comm.size() - 1); left > 0;) {
    queue.is_all_sent();
    const auto message = queue.receive();
    if (!message) continue;
    auto& k = next[static_cast<std::size_t>(message->from)];
    ASSERT_EQ(message->kind, static_cast<int>(k));
    ASSERT_TRUE(message->head == filled(sizes[k].first, message->from));
    ASSERT_TRUE(message->body == filled(sizes[k].second, comm.rank()));
    ++k;
    --left;
  }
  while (!queue.is_all_sent()) std::this_thread::yield();
  EXPECT_EQ(queue.unsent_bytes(), 0U);
  comm.barrier();
}

TEST(MessageQueue, WaitsForNoIgnoredRank) {
  const auto comm = Comm::world().duplicate();
  if (comm.size() < 2) return;
  SilenceWatch silence(comm.size(), 60);
  MessageQueue queue(comm, silence);
  constexpr std::size_t size = 10'000'000;
  if (comm.rank() == 0) {
    queue.send(1, 7, {}, filled(size, 1));
    EXPECT_FALSE(queue.is_all_sent());
    queue.ignore(1, true);
    EXPECT_TRUE(queue.is_all_sent());
    EXPECT_EQ(queue.unsent_bytes(), 0U);
  }
  comm.barrier();
  // It arrives all the same, if the rank lives.
  if (comm.rank() == 0) {
    queue.ignore(1, false);
    EXPECT_GT(queue.unsent_bytes(), 0U);
    while (!queue.is_all_sent()) std::this_thread::yield();
    EXPECT_EQ(queue.unsent_bytes(), 0U);
  } else if (comm.rank() == 1) {
    for (;;) {
      if (const auto message = queue.receive()) {
        EXPECT_TRUE(message->body == filled(size, 1));
        break;
      }
    }
  }
  comm.barrier();
}

}  // namespace
}  // namespace paceline::detail
