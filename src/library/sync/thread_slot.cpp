#include "library/sync/thread_slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <paceline/error.hpp>

namespace paceline::sync {
namespace {

void return_slot(const ThreadSlot& slot) {
  const auto slots = slot.slots.lock();
  if (!slots) return;
  const std::lock_guard lock(slots->mutex);
  if (slot.held == 0) {
    slots->taken[slot.agent - slots->first] = false;
  } else if (slots->agents != nullptr) {
    // The slot stays taken: it is what those who wait see of the holder.
    slots->agents[slot.agent].ended = 1;
  } else {
    slots->ended.push_back(slot.agent);
  }
}

struct OwnSlots {
  std::vector<std::unique_ptr<ThreadSlot>> all;
  OwnSlots() = default;
  OwnSlots(const OwnSlots&) = delete;
  OwnSlots& operator=(const OwnSlots&) = delete;
  ~OwnSlots() {
    for (const auto& slot : all) return_slot(*slot);
  }
};

thread_local OwnSlots own_slots;
thread_local ThreadSlot* last_slot = nullptr;  // nearly always the right one

}  // namespace

ThreadSlot& slot_of_this_thread(const std::shared_ptr<ThreadSlots>& slots) {
  // A domain that is gone may have left its address to a new one: then its slot has expired.
  if (last_slot != nullptr && last_slot->key == slots.get() && !last_slot->slots.expired()) return *last_slot;
  last_slot = nullptr;
  auto& all = own_slots.all;
  std::erase_if(all, [](const auto& slot) { return slot->slots.expired(); });
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& slot) { return slot->key == slots.get(); });
  if (found != all.end()) return *(last_slot = found->get());
  const std::lock_guard lock(slots->mutex);
  const auto place = std::find(slots->taken.begin(), slots->taken.end(), false);
  if (place == slots->taken.end()) {
    throw Error(ErrorKind::failure, "too many threads of one rank use shared state",
                fmt::format("there is room for {}", slots->taken.size()), "raise DomainOptions::threads_per_rank");
  }
  *place = true;
  const auto agent = slots->first + static_cast<AgentId>(place - slots->taken.begin());
  if (slots->agents != nullptr) std::memset(static_cast<void*>(slots->agents + agent), 0, sizeof(Agent));
  auto slot = std::make_unique<ThreadSlot>();
  slot->slots = slots;
  slot->key = slots.get();
  slot->agent = agent;
  all.push_back(std::move(slot));
  return *(last_slot = all.back().get());
}

}  // namespace paceline::sync
