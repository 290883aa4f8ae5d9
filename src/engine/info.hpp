#pragma once

#include <paceline/comm.hpp>

namespace paceline {

/// `paceline info`: what this build and this machine are, and where each rank is bound. Collective over `world`.
void print_info(const Comm& world);

}  // namespace paceline
