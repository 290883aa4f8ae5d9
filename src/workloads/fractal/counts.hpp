// Counts of iterations, whose type is as narrow as the most that there can be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "storage/result_shape.hpp"

namespace paceline::fractal {

/// Calls `action` with a span of counts over the bytes, const where these are.
template <class Byte, class Action>
auto with_counts(ElementType type, std::span<Byte> bytes, Action&& action) {
  const auto as = [&]<class Count>(Count /*zero*/) {
    using Element = std::conditional_t<std::is_const_v<Byte>, const Count, Count>;
    return action(std::span(reinterpret_cast<Element*>(bytes.data()), bytes.size() / sizeof(Count)));
  };
  switch (type) {
    case ElementType::uint8: return as(std::uint8_t{});
    case ElementType::uint16: return as(std::uint16_t{});
    case ElementType::uint32: return as(std::uint32_t{});
    default: return as(std::uint64_t{});
  }
}

}  // namespace paceline::fractal
