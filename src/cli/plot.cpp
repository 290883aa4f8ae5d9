#include "cli/plot.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <paceline/error.hpp>

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// Beside an installed program, or in the source tree of a built one.
fs::path find_script() {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  for (const auto& script : {program.parent_path() / ".." / PACELINE_INSTALLED_JOBS / "plot.py",
                             fs::path(PACELINE_SOURCE_JOBS) / "plot.py"}) {
    if (fs::exists(script, code)) return script;
  }
  throw Error(ExitCode::failure, "the plotting script plot.py is missing", program.string(), "install paceline again");
}

}  // namespace

void plot(const PlotOptions& options) {
  const auto script = find_script();
  // Debian's Python has the packages that the set-up installs; another one may be asked for.
  const char* wish = std::getenv("PACELINE_PYTHON");
  const std::string python = wish != nullptr && *wish != '\0' ? wish : "/usr/bin/python3";
  std::vector<const char*> words = {python.c_str(), script.c_str(), options.input.c_str(), "-o",
                                    options.output.c_str()};
  if (options.force) words.push_back("--force");
  words.push_back(nullptr);
  execvp(python.c_str(), const_cast<char* const*>(words.data()));
  throw Error(ExitCode::failure, fmt::format("can't start {}", python), std::strerror(errno),
              "install python3-h5py and python3-matplotlib, or name a Python in PACELINE_PYTHON");
}

}  // namespace paceline
