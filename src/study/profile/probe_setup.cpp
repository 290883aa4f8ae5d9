#include "study/profile/probe_setup.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <paceline/error.hpp>

#include "study/measure/launcher.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// A program of this machine's kind that is loaded by nobody else: it names no loader.
bool is_static(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64)
    return false;
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return false;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + static_cast<Elf64_Off>(i) * header.e_phentsize));
    file.read(reinterpret_cast<char*>(&segment), sizeof segment);
    if (!file) return false;
    if (segment.p_type == PT_INTERP) return false;
  }
  return true;
}

bool is_other_user(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && (status.st_mode & (S_ISUID | S_ISGID)) != 0;
}

bool is_open_mpi(const std::string& launcher) {
  const auto name = fs::path(launcher).filename();
  if (name != "mpirun" && name != "mpiexec" && name != "orterun" && name != "prterun" && name != "mpirun.openmpi" &&
      name != "mpiexec.openmpi") {
    return false;
  }
  const auto told = run_process({launcher, "--version"}, {}, {.timeout_s = 60});
  return told.is_ok() &&
         (told.out.find("Open MPI") != std::string::npos || told.out.find("OpenRTE") != std::string::npos);
}

}  // namespace

fs::path find_probe() {
  std::error_code code;
  const auto program = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const auto& folder : {program, program / PACELINE_LIBRARIES}) {
    const auto library = folder / "libpaceline_probe.so";
    if (fs::exists(library, code)) return fs::canonical(library);
  }
  throw Error(ErrorKind::failure, "libpaceline_probe.so is missing", fmt::format("it is not in {}", program.string()),
              "install paceline again");
}

ProbeFolder::ProbeFolder() {
  std::error_code code;
  std::string name = (fs::current_path(code) / ".paceline-profile-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::output, "can't make a folder for what the probe writes", std::strerror(errno),
                "start in a folder that you may write to and that all nodes see");
  }
  // Ranks may belong to another user, in a container say.
  fs::permissions(name, fs::perms::all, code);
  path_ = name;
}

ProbeFolder::~ProbeFolder() {
  std::error_code code;
  fs::remove_all(path_, code);
}

namespace {

/// The loader parts LD_PRELOAD at spaces and colons, and knows no quotes: ld.so(8).
std::string without_separators(const fs::path& library, const fs::path& folder) {
  const auto is_plain = [](const fs::path& path) { return path.string().find_first_of(" \t\n:") == std::string::npos; };
  if (is_plain(library)) return library.string();
  const auto link = folder / library.filename();
  std::error_code code;
  if (!fs::exists(link, code)) fs::create_symlink(library, link, code);
  if (code || !is_plain(link)) {
    throw Error(ErrorKind::failure, fmt::format("can't load {} into a program", library.string()),
                "there is a space or a colon in its path", "start in a folder whose path has none");
  }
  return link.string();
}

}  // namespace

Environment probe_environment(const fs::path& folder) {
  std::string preload = without_separators(find_probe(), folder);
  if (const char* others = std::getenv("LD_PRELOAD"); others != nullptr && *others != '\0') {
    preload += fmt::format(":{}", others);
  }
  return {{"LD_PRELOAD", preload}, {"PACELINE_PROBE_DIR", folder.string()}};
}

std::vector<std::string> probed_line(std::vector<std::string> line) {
  if (!line.empty() && is_open_mpi(line.front())) {
    const std::vector<std::string> more = {"-x", "LD_PRELOAD", "-x", "PACELINE_PROBE_DIR"};
    line.insert(line.begin() + 1, more.begin(), more.end());
  }
  return line;
}

std::vector<std::string> warnings_about(const std::vector<std::string>& line) {
  std::vector<std::string> warnings;
  for (const auto& word : line) {
    const auto path = word.starts_with('-') ? std::string() : find_program(word);
    if (path.empty()) continue;
    if (is_static(path)) {
      warnings.push_back(
          fmt::format("{} is statically linked: nothing can be loaded into it, so it is not seen", word));
    } else if (is_other_user(path)) {
      warnings.push_back(fmt::format("{} runs as another user, for whom nothing is loaded: it is not seen", word));
    }
  }
  return warnings;
}

}  // namespace paceline
