// `paceline plot` and `paceline report`: hand over to the Python scripts that draw and write, which people may adapt.
#pragma once

#include "cli/parse.hpp"

namespace paceline {

/// Replace this process by the script. Studies are read and checked here, and handed over as JSON. Throw Error: input
/// for a file that can't be read, failure if there is no script or no Python.
[[noreturn]] void plot(const PlotOptions& options);
[[noreturn]] void report(const ReportOptions& options);

}  // namespace paceline
