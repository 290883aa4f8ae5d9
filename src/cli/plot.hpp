// `paceline plot`: hands over to the Python script that draws, which people may copy and adapt.
#pragma once

#include "cli/parse.hpp"

namespace paceline {

/// Replaces this process by the script. Throws Error if there is no script or no Python.
[[noreturn]] void plot(const PlotOptions& options);

}  // namespace paceline
