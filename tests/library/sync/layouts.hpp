// What tests of shared state need: threads, nodes that are not really there, and an end to every wait.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <support.hpp>

#include <paceline/sync.hpp>

namespace paceline::test {

using namespace std::chrono_literals;

/// No wait of these tests is as long as this, however busy the machine is.
constexpr auto long_time = 60s;

/// Runs action(thread) on so many threads, this one among them; rethrows what one of them throws.
template <class Action>
void on_threads(int threads, const Action& action) {
  std::exception_ptr problem;
  std::mutex mutex;
  const auto guarded = [&](int thread) {
    try {
      action(thread);
    } catch (...) {
      const std::lock_guard lock(mutex);
      problem = std::current_exception();
    }
  };
  std::vector<std::thread> team;
  for (int thread = 1; thread < threads; ++thread) team.emplace_back(guarded, thread);
  guarded(0);
  for (auto& thread : team) thread.join();
  if (problem) std::rethrow_exception(problem);
}

struct Layout {
  int ranks_per_node;  ///< 0: the real nodes
  int threads;
};

/// Ranks of one machine as nodes of so many: the others then have to send messages.
class Layouts : public testing::TestWithParam<Layout> {
 protected:
  // A wait that never ends is a failure, not a test without an end.
  void SetUp() override { alarm(100); }
  void TearDown() override { alarm(0); }

  [[nodiscard]] int threads() const { return GetParam().threads; }
  [[nodiscard]] int all_threads() const { return threads() * world.size(); }
  [[nodiscard]] bool is_spread() const {
    return GetParam().ranks_per_node != 0 && GetParam().ranks_per_node < world.size();
  }
  /// What is much on a node is too much by messages, and with more threads than cores each hand-over is a switch.
  [[nodiscard]] int scaled(int many) const {
    return std::max(1, (is_spread() ? many / 2000 : all_threads() > 2 ? many / 10 : many) / all_threads());
  }

  Comm world = Comm::world().duplicate();
  Domain domain = GetParam().ranks_per_node == 0
                      ? Domain(world)
                      : Domain(world, *world.split(world.rank() / GetParam().ranks_per_node));
};

inline std::string name_of_layout(const testing::TestParamInfo<Layout>& info) {
  return fmt::format(
      "{}Threads{}",
      info.param.ranks_per_node == 0 ? std::string("OneNode") : fmt::format("NodesOf{}", info.param.ranks_per_node),
      info.param.threads);
}

inline auto all_layouts() {
  return testing::Values(Layout{0, 1}, Layout{0, 2}, Layout{0, 4}, Layout{1, 1}, Layout{1, 2}, Layout{2, 2});
}

}  // namespace paceline::test
