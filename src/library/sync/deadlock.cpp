// Every thread waits for at most one lock and every lock has at most one holder, so the wait-for graph (Coffman,
// Elphick and Shoshani, Computing Surveys 3(2), 1971) is a set of chains, and each member of a cycle finds it by
// following its own. The graph changes while it is read. But a thread that waits does nothing else: if a second reading
// finds each member in the same wait (its `wants` word counts its waits) and each lock with the same holder, then all
// of them waited at the moment between the readings, and none can ever go on. Nothing is reported that was not so.
#include "library/sync/deadlock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace paceline::sync {
namespace {

/// `agent` waits for `lock`, whose holder is the next edge's agent.
struct Edge {
  AgentId agent;
  std::uint64_t wants;
  friend bool operator==(const Edge&, const Edge&) = default;
};

ObjectId lock_of(const Edge& edge) { return static_cast<ObjectId>(edge.wants & 0xffffffffU) - 1; }

std::vector<Edge> cycle_of(Core& core, AgentId start) {
  std::vector<Edge> path;
  for (auto agent = start;;) {
    const auto wants = core.agent(agent).wants.load();
    if ((wants & 0xffffffffU) == 0) return {};
    path.push_back({agent, wants});
    const auto& lock = static_cast<const MutexState&>(core.state(lock_of(path.back())));
    const auto owner = lock.owner.load() & ~MutexState::queued;
    if (owner == 0) return {};
    agent = owner - 1;
    // An agent that has what it waits for was given it this moment, and its bell is about to say so.
    if (agent == start) return path.size() == 1 ? std::vector<Edge>() : path;
    // A cycle further on: its own members see to it.
    if (std::any_of(path.begin(), path.end(), [&](const Edge& edge) { return edge.agent == agent; })) return {};
  }
}

std::string sentence_for(Core& core, const std::vector<Edge>& cycle) {
  std::string members, story;
  for (std::size_t i = 0; i < cycle.size(); ++i) {
    const auto holds = lock_of(cycle[(i + cycle.size() - 1) % cycle.size()]);
    const auto name = core.name_of(cycle[i].agent);
    members += fmt::format("{}{}", i == 0 ? "" : i + 1 == cycle.size() ? " and " : ", ", name);
    story += fmt::format("{}{} has {} and waits for {}", i == 0 ? "" : ", ", name, title_of(core.state(holds)),
                         title_of(core.state(lock_of(cycle[i]))));
  }
  return Error(ErrorKind::failure, fmt::format("deadlock of {}", members), story,
               "take locks in the same order everywhere, or all at once with std::scoped_lock")
      .what();
}

class GraphLocked {
 public:
  explicit GraphLocked(Header& header) : lock_(header.graph) {
    // A report half written by a rank that died is overwritten.
    if (lock_.lock() == RobustMutex::Taken::from_the_dead) lock_.mend();
  }
  GraphLocked(const GraphLocked&) = delete;
  GraphLocked& operator=(const GraphLocked&) = delete;
  ~GraphLocked() { lock_.unlock(); }

 private:
  RobustMutex& lock_;
};

}  // namespace

void tell_of_deadlock(Core& core, AgentId agent) {
  const auto cycle = cycle_of(core, agent);
  if (cycle.empty() || cycle_of(core, agent) != cycle) return;
  auto& header = core.header();
  const GraphLocked locked(header);
  // Another member may have told all of them since: then they only have not left yet.
  constexpr auto waiting = static_cast<std::uint32_t>(Wake::waiting);
  for (const auto& edge : cycle) {
    if (core.agent(edge.agent).bell.word.load() != waiting || core.agent(edge.agent).wants.load() != edge.wants) return;
  }
  const auto report = header.next_report++ % Header::reports;
  const auto text = sentence_for(core, cycle).substr(0, Header::report_bytes - 1);
  std::memcpy(header.report[report], text.c_str(), text.size() + 1);
  for (const auto& edge : cycle) {
    auto& member = core.agent(edge.agent);
    member.report = report;
    auto expected = waiting;
    if (member.bell.word.compare_exchange_strong(expected, static_cast<std::uint32_t>(Wake::failed))) {
      member.bell.ring();
    }
  }
}

std::string report_for(Core& core, AgentId agent) {
  const GraphLocked locked(core.header());
  return core.header().report[core.agent(agent).report];
}

}  // namespace paceline::sync
