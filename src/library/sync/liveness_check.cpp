#include "library/sync/liveness_check.hpp"

#include <fmt/format.h>

namespace paceline::sync {
namespace {

using namespace std::chrono_literals;

// Long enough that a rank which only just began to destroy something else has gone on.
constexpr auto leaving_counts_after = 1s;

const char* fate_of(Life::Status status) {
  switch (status) {
    case Life::left: return "has left the domain";
    case Life::finalised: return "has finalised MPI";
    default: return "has died";
  }
}

}  // namespace

void check_ranks(Core& core, Operation& op, Needed needed) {
  for (int rank = 0; rank < core.comm().size(); ++rank) {
    const auto status = status_of(core, rank);
    if (status == Life::dead || (needed == Needed::present && status != Life::present)) {
      op.error = Error(ErrorKind::failure,
                       fmt::format("{} waits for {} in vain", core.name_of(op.call.agent),
                                   title_of(core.state(op.call.object))),
                       fmt::format("{} {}", core.name_with_host(rank), fate_of(status)))
                     .what();
      return;
    }
  }
}

void check_holder(Core& core, Operation& op, std::chrono::nanoseconds waited) {
  const auto& state = static_cast<const MutexState&>(core.state(op.call.object));
  const auto owner = state.owner.load() & ~MutexState::queued;
  if (owner == 0) return;
  const auto& agent = core.agent(owner - 1);
  const auto status = status_of(core, core.rank_of(owner - 1));
  const char* fate = nullptr;
  if (status != Life::present) {
    fate = fate_of(status);
  } else if (state.destroyed != 0) {
    fate = "has destroyed it";
  } else if (agent.ended != 0) {
    fate = "has ended that thread";
  } else if (agent.leaving != 0 && waited > leaving_counts_after) {
    fate = "destroys shared objects with it in hand";
  }
  // What was read may be of two times: only a holder that is still the same counts.
  if (fate == nullptr || (state.owner.load() & ~MutexState::queued) != owner) return;
  op.error =
      Error(ErrorKind::failure, fmt::format("{} waits for {} in vain", core.name_of(op.call.agent), title_of(state)),
            fmt::format("{}, which has it, {}", core.name_with_host(core.rank_of(owner - 1)), fate))
          .what();
}

Life::Status status_of(Core& core, int rank) {
  auto& life = core.life(rank);
  const auto known = static_cast<Life::Status>(life.status.load());
  if (known != Life::present || !core.is_at_home(rank)) return known;
  switch (life.alive.try_lock()) {
    case RobustMutex::Taken::no: return Life::present;
    case RobustMutex::Taken::yes: life.alive.unlock(); break;  // it has just left
    case RobustMutex::Taken::from_the_dead: {
      auto present = static_cast<std::uint32_t>(Life::present);
      life.status.compare_exchange_strong(present, Life::dead);
      life.alive.unlock();
    }
  }
  return static_cast<Life::Status>(life.status.load());
}

}  // namespace paceline::sync
