// Lists of agents that wait, linked through the agents themselves. All under the state's mutex.
#include "library/sync/core.hpp"

namespace paceline::sync {

void Core::push(ObjectState& state, std::uint32_t list, AgentId agent_id) const {
  auto& [first, last] = state.lists[list];
  auto& joining = agent(agent_id);
  joining.bell.word.store(static_cast<std::uint32_t>(Wake::waiting));
  joining.in_list = list + 1;
  joining.next = 0;
  joining.previous = last;
  (last == 0 ? first : agent(last - 1).next) = agent_id + 1;
  last = agent_id + 1;
}

bool Core::remove(ObjectState& state, AgentId agent_id) const {
  auto& leaving = agent(agent_id);
  if (leaving.in_list == 0) return false;
  auto& [first, last] = state.lists[leaving.in_list - 1];
  (leaving.previous == 0 ? first : agent(leaving.previous - 1).next) = leaving.next;
  (leaving.next == 0 ? last : agent(leaving.next - 1).previous) = leaving.previous;
  leaving.in_list = 0;
  return true;
}

std::uint32_t Core::pop(ObjectState& state, std::uint32_t list) const {
  const auto first = state.lists[list].first;
  if (first != 0) remove(state, first - 1);
  return first;
}

bool Core::grant(AgentId agent_id) const {
  auto waiting = static_cast<std::uint32_t>(Wake::waiting);
  return agent(agent_id).bell.word.compare_exchange_strong(waiting, static_cast<std::uint32_t>(Wake::granted));
}

std::uint32_t Core::grant_first(ObjectState& state, std::uint32_t list) const {
  for (;;) {
    const auto first = pop(state, list);
    if (first == 0 || grant(first - 1)) return first;
  }
}

}  // namespace paceline::sync
