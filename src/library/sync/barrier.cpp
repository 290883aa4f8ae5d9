#include <paceline/barrier.hpp>

#include <fmt/format.h>

#include "library/sync/core.hpp"
#include "library/sync/liveness_check.hpp"

namespace paceline {
namespace sync {
namespace {

BarrierState& barrier_of(Core& core, const Operation& op) {
  return static_cast<BarrierState&>(core.state(op.call.object));
}

constexpr std::uint64_t phase_of(std::uint64_t word) { return word >> 32; }
constexpr std::uint32_t arrivals_of(std::uint64_t word) { return static_cast<std::uint32_t>(word & 0xffffffffU); }

class BarrierType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "barrier"; }
  void initialise(ObjectState& state, std::uint64_t first, std::uint64_t /*second*/) const override {
    static_cast<BarrierState&>(state).expected = static_cast<std::uint32_t>(first);
  }
  Step start(Core& core, Operation& op) const override;
  Step resume(Core& core, Operation& op) const override;
  void cancel(Core& core, Operation& op) const override;
  void check(Core& core, Operation& op, std::chrono::nanoseconds /*waited*/) const override {
    check_ranks(core, op, Needed::present);
  }
};

Step BarrierType::start(Core& core, Operation& op) const {
  auto& barrier = barrier_of(core, op);
  for (auto word = barrier.arrived.load();;) {
    if (arrivals_of(word) + 1 == barrier.expected) {
      if (!barrier.arrived.compare_exchange_weak(word, (phase_of(word) + 1) << 32)) continue;
      barrier.phase.word.fetch_add(1);
      barrier.phase.ring();
      return op.finish(Status::done);
    }
    if (barrier.arrived.compare_exchange_weak(word, word + 1)) {
      op.value = phase_of(word);
      return resume(core, op);
    }
  }
}

Step BarrierType::resume(Core& core, Operation& op) const {
  auto& barrier = barrier_of(core, op);
  // In this order: a phase that ends after the second look changes the bell's word after the first.
  const auto rung = barrier.phase.word.load();
  if (phase_of(barrier.arrived.load()) != op.value) return op.finish(Status::done);
  return op.wait_for(barrier.phase, rung);
}

void BarrierType::cancel(Core& core, Operation& op) const {
  auto& barrier = barrier_of(core, op);
  for (auto word = barrier.arrived.load();;) {
    if (phase_of(word) != op.value) {
      op.finish(Status::done);
      return;
    }
    if (barrier.arrived.compare_exchange_weak(word, word - 1)) {
      op.finish(Status::timed_out);
      return;
    }
  }
}

}  // namespace

const ObjectType& barrier_type() {
  static const BarrierType type;
  return type;
}

}  // namespace sync

Barrier::Barrier(const Domain& domain, int expected, std::string name)
    : SharedObject(domain, sync::Kind::barrier, name,
                   {.first = static_cast<std::uint64_t>(expected == 0 ? domain.comm().size() : expected),
                    .problem = sync::problem_unless(expected >= 0,
                                                    fmt::format("barrier \"{}\" can't expect {}", name, expected))}) {}

bool Barrier::arrive_and_wait(sync::Timeout timeout) {
  sync::Operation op;
  op.call = {sync::Kind::barrier, 0, core().slot().agent, id(), timeout};
  core().perform(op);
  return op.status == sync::Status::done;
}

}  // namespace paceline
