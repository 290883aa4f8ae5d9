// Deadlocks: cycles in the graph of who waits for which lock and who has it.
#pragma once

#include "library/sync/core.hpp"

namespace paceline::sync {

/// If `agent` is a member of a deadlock, rings the bells of all members with Wake::failed and a report.
void tell_of_deadlock(Core& core, AgentId agent);

/// The report that an agent with Wake::failed was given, as a whole sentence.
std::string report_for(Core& core, AgentId agent);

}  // namespace paceline::sync
