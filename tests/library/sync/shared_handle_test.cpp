// Shared objects as arguments of tasks.
#include <paceline/pool.hpp>

#include "library/sync/layouts.hpp"

namespace paceline {
namespace {

using namespace test;

void deposit(int amount, Mutex& mutex, Value<std::int64_t>& total) {
  const std::scoped_lock lock(mutex);
  total.store(total.load() + amount);
}
int next_of(Queue<std::string>& queue) { return static_cast<int>(queue.pop()->size()); }
bool is_there(Event& event) { return event.is_set(); }

TEST(SharedHandle, TasksGetTheObjectsOfTheirRank) {
  const auto world = Comm::world();
  Mutex mutex(world, "accounts");
  Value<std::int64_t> total(world);
  Queue<std::string> texts(world, QueueRoom{});
  Event event(world);
  Pool pool(world, {.threads = 2});
  if (!pool.is_driver()) return;
  std::vector<Future<void>> deposits;
  for (int i = 0; i < 200; ++i) deposits.push_back(pool.submit<deposit>(i, mutex, total));
  for (auto& one : deposits) one.get();
  EXPECT_EQ(total.load(), 19'900);
  std::vector<Future<int>> sizes;
  for (int i = 0; i < 20; ++i) texts.push(std::string(static_cast<std::size_t>(i), 'x'));
  for (int i = 0; i < 20; ++i) sizes.push_back(pool.submit<next_of>(texts));
  int sum = 0;
  for (auto& size : sizes) sum += size.get();
  EXPECT_EQ(sum, 190);
  event.set();
  for (const bool there : pool.on_each_rank<is_there>(event)) EXPECT_TRUE(there);
}

}  // namespace
}  // namespace paceline
