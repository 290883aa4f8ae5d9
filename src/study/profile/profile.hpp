// `paceline profile`: runs a launch line once under the probe, and says where its cores went.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "study/profile/efficiency.hpp"

namespace paceline {

struct ProfileOptions {
  std::vector<std::string> line;  ///< as a shell would start it: a launcher with the program, or the program
  std::filesystem::path output;   ///< JSON; empty: none
  bool force = false;
  bool json = false;  ///< the same on standard output, where the program's own then goes to standard error
};

/// What one run says.
struct Profile {
  std::string command;
  int ranks = 0;    ///< of the job; 0: not known
  int threads = 0;  ///< of the rank that has the most
  std::vector<ProcessRecord> processes;
  std::optional<Efficiencies> efficiencies;  ///< nothing: not measured; then why_not says why
  std::string why_not;
  std::vector<std::string> warnings;
};

/// The records of a run -> its profile, with what makes the numbers doubtful.
Profile make_profile(std::string command, std::vector<ProcessRecord> records);

std::string profile_text(const Profile& profile);
std::string profile_json(const Profile& profile);

/// Exit code 1 when the program failed, 5 when nothing was measured. Throws Error.
ExitCode profile(const ProfileOptions& options);

}  // namespace paceline
