#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace paceline::fractal {

using Colour = std::array<std::uint8_t, 3>;  ///< red, green, blue
using Colormap = std::array<Colour, 256>;

std::vector<std::string> colormap_names();
/// `name` must be one of colormap_names().
Colormap colormap(const std::string& name);

}  // namespace paceline::fractal
