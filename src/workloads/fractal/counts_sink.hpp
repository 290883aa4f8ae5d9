// Where counts go, whatever their width: the kernels are compiled once, not once a width.
#pragma once

#include <cstddef>
#include <cstdint>

namespace paceline::fractal {

struct CountsSink {
  void* data;
  std::size_t bytes;  // of one count: 1, 2, 4 or 8

  void put(std::size_t pixel, std::uint64_t count) const {
    switch (bytes) {
      case 1: static_cast<std::uint8_t*>(data)[pixel] = static_cast<std::uint8_t>(count); break;
      case 2: static_cast<std::uint16_t*>(data)[pixel] = static_cast<std::uint16_t>(count); break;
      case 4: static_cast<std::uint32_t*>(data)[pixel] = static_cast<std::uint32_t>(count); break;
      default: static_cast<std::uint64_t*>(data)[pixel] = count;
    }
  }
};

}  // namespace paceline::fractal
