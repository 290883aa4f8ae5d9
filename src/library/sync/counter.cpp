#include <paceline/counter.hpp>

#include "library/sync/core.hpp"

namespace paceline::sync {
namespace {

std::uint64_t fetch_here(std::uint64_t& word, Change change, std::uint64_t operand, std::uint64_t expected) {
  const std::atomic_ref<std::uint64_t> cell(word);
  switch (change) {
    case Change::load: return cell.load();
    case Change::exchange: return cell.exchange(operand);
    case Change::add_integer: return cell.fetch_add(operand);
    case Change::bit_and: return cell.fetch_and(operand);
    case Change::bit_or: return cell.fetch_or(operand);
    case Change::bit_xor: return cell.fetch_xor(operand);
    case Change::compare_exchange: cell.compare_exchange_strong(expected, operand); return expected;
    case Change::add_float64: {
      auto seen = cell.load();
      while (!cell.compare_exchange_weak(
          seen, std::bit_cast<std::uint64_t>(std::bit_cast<double>(seen) + std::bit_cast<double>(operand)))) {
      }
      return seen;
    }
  }
  return 0;
}

}  // namespace

SharedCell::SharedCell(const Domain& domain, std::string name, std::uint64_t initial)
    : SharedObject(domain, Kind::value, std::move(name), initial),
      here_(state() == nullptr ? nullptr : &static_cast<ValueState&>(*state()).value) {}

std::uint64_t SharedCell::fetch(Change change, std::uint64_t operand, std::uint64_t expected) const {
  if (here_ != nullptr) return fetch_here(*here_, change, operand, expected);
  Operation op;
  op.call = {Verb::value_fetch, core().slot().agent, id(), static_cast<std::uint32_t>(change), forever, operand,
             expected};
  core().perform(op);
  return op.value;
}

Step start_value(Core& core, Operation& op) {
  auto& word = static_cast<ValueState&>(core.state(op.call.object)).value;
  return op.finish(Status::done, fetch_here(word, static_cast<Change>(op.call.extra), op.call.first, op.call.second));
}

}  // namespace paceline::sync
