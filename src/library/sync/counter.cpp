#include <paceline/counter.hpp>

#include <cstring>

#include "library/sync/core.hpp"

namespace paceline::sync {
namespace {

template <class T>
T from_bits(std::uint64_t word) {
  T number;
  std::memcpy(&number, &word, sizeof number);
  return number;
}
template <class T>
std::uint64_t to_bits(T number) {
  std::uint64_t word = 0;
  std::memcpy(&word, &number, sizeof number);
  return word;
}

/// Adds numbers of the type T, whose bits are the first of the word.
template <class T>
std::uint64_t add(const std::atomic_ref<std::uint64_t>& cell, std::uint64_t operand) {
  auto seen = cell.load();
  while (!cell.compare_exchange_weak(seen, to_bits(static_cast<T>(from_bits<T>(seen) + from_bits<T>(operand))))) {
  }
  return seen;
}

std::uint64_t fetch_here(std::uint64_t& word, Change change, std::uint64_t operand, std::uint64_t expected) {
  const std::atomic_ref<std::uint64_t> cell(word);
  switch (change) {
    case Change::load: return cell.load();
    case Change::exchange: return cell.exchange(operand);
    case Change::add_64: return cell.fetch_add(operand);
    case Change::add_32: return add<std::uint32_t>(cell, operand);
    case Change::add_16: return add<std::uint16_t>(cell, operand);
    case Change::add_8: return add<std::uint8_t>(cell, operand);
    case Change::add_double: return add<double>(cell, operand);
    case Change::add_float: return add<float>(cell, operand);
    case Change::bit_and: return cell.fetch_and(operand);
    case Change::bit_or: return cell.fetch_or(operand);
    case Change::bit_xor: return cell.fetch_xor(operand);
    case Change::compare_exchange: cell.compare_exchange_strong(expected, operand); return expected;
  }
  return 0;
}

class ValueType final : public ObjectType {
 public:
  [[nodiscard]] const char* name() const override { return "value"; }
  void initialise(ObjectState& state, std::uint64_t first, std::uint64_t /*second*/) const override {
    static_cast<ValueState&>(state).value = first;
  }
  Step start(Core& core, Operation& op) const override {
    auto& word = static_cast<ValueState&>(core.state(op.call.object)).value;
    return op.finish(Status::done, fetch_here(word, static_cast<Change>(op.call.verb), op.call.first, op.call.second));
  }
};

}  // namespace

const ObjectType& value_type() {
  static const ValueType type;
  return type;
}

SharedCell::SharedCell(const Domain& domain, std::string name, std::uint64_t initial)
    : SharedObject(domain, Kind::value, std::move(name), {.first = initial}),
      here_(state() == nullptr ? nullptr : &static_cast<ValueState&>(*state()).value) {}

std::uint64_t SharedCell::fetch(Change change, std::uint64_t operand, std::uint64_t expected) const {
  if (here_ != nullptr) return fetch_here(*here_, change, operand, expected);
  Operation op;
  op.call = {Kind::value, static_cast<std::uint32_t>(change), core().slot().agent, id(), forever, operand, expected};
  core().perform(op);
  return op.value;
}

}  // namespace paceline::sync
