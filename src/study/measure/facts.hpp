// What a study's file says of where it was made.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/machine.hpp"

namespace paceline {

/// Name and value of: machine, cpu_model, cores, numa_nodes, topology, kernel, system, paceline, environment, date.
std::vector<std::pair<std::string, std::string>> machine_facts(const Machine& machine);

/// Value of a fact; empty when there is none of that name.
std::string fact(const std::vector<std::pair<std::string, std::string>>& facts, const std::string& name);

/// "2026-01-02T03:04:05Z"
std::string utc_now();

}  // namespace paceline
