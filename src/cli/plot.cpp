#include "cli/plot.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <paceline/error.hpp>

#include "study/study_file.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// Beside an installed program, or in the source tree of a built one.
fs::path find_script(const char* name) {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code);
  for (const auto& script :
       {program.parent_path() / ".." / PACELINE_INSTALLED_JOBS / name, fs::path(PACELINE_SOURCE_JOBS) / name}) {
    if (fs::exists(script, code)) return script;
  }
  throw Error(ErrorKind::failure, fmt::format("the script {} is missing", name), program.string(),
              "install paceline again");
}

/// What the script will read on its standard input, from a file in memory.
void become_input(const std::string& text) {
  const int file = memfd_create("paceline", 0);
  std::size_t at = 0;
  while (file >= 0 && at < text.size()) {
    const auto written = ::write(file, text.data() + at, text.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    at += static_cast<std::size_t>(written);
  }
  if (file < 0 || at < text.size() || lseek(file, 0, SEEK_SET) != 0 || dup2(file, STDIN_FILENO) < 0) {
    throw Error(ErrorKind::failure, "can't hand the study to the script", std::strerror(errno),
                "free memory, or open files");
  }
  ::close(file);
}

[[noreturn]] void become_script(const char* name, const std::vector<std::string>& arguments) {
  const auto script = find_script(name);
  // Debian's Python has the packages that the set-up installs; another one may be asked for.
  const char* wish = std::getenv("PACELINE_PYTHON");
  const std::string python = wish != nullptr && *wish != '\0' ? wish : "/usr/bin/python3";
  std::vector<const char*> words = {python.c_str(), script.c_str()};
  for (const auto& argument : arguments) words.push_back(argument.c_str());
  words.push_back(nullptr);
  execvp(python.c_str(), const_cast<char* const*>(words.data()));
  throw Error(ErrorKind::failure, fmt::format("can't start {}", python), std::strerror(errno),
              "install python3-h5py and python3-matplotlib, or name a Python in PACELINE_PYTHON");
}

}  // namespace

void plot(const PlotOptions& options) {
  std::vector<std::string> words = {"-o", options.output.string()};
  if (options.force) words.emplace_back("--force");
  // HDF5 in Python would crash or hang on a damaged study: what is drawn of it has been checked here.
  if (options.inputs.size() > 1 || is_study(options.inputs.front())) {
    ReportOptions document;
    document.studies = options.inputs;
    become_input(report_document(document));
    words.emplace_back("--document");
  } else {
    words.emplace_back("--");
    words.push_back(options.inputs.front().string());
  }
  become_script("plot.py", words);
}

void report(const ReportOptions& options) {
  become_input(report_document(options));
  std::vector<std::string> words = {"-o", options.output.string()};
  if (options.force) words.emplace_back("--force");
  become_script("report.py", words);
}

}  // namespace paceline
