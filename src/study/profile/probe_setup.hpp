// How a launch line is run under the probe: its library, the environment, and the folder for what it writes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/measure/process.hpp"

namespace paceline {

/// libpaceline_probe.so, beside a built program or in the library folder of an installed one. Throws Error (failure).
std::filesystem::path find_probe();

/// A new folder in the current one, which all nodes of a job usually see. Removed at the end.
class ProbeFolder {
 public:
  ProbeFolder();
  ~ProbeFolder();
  ProbeFolder(const ProbeFolder&) = delete;
  ProbeFolder& operator=(const ProbeFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Variables that load the probe into every process of the line, before what is loaded there already.
Environment probe_environment(const std::filesystem::path& folder);

/// The line as it is run: Open MPI's launcher has to be told which variables to take to other nodes.
std::vector<std::string> probed_line(std::vector<std::string> line);

/// Programs of the line into which nothing can be loaded: statically linked ones, and those that run as another user.
std::vector<std::string> warnings_about(const std::vector<std::string>& line);

}  // namespace paceline
