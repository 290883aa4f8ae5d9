#include "study/profile/profile.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "storage/output_path.hpp"
#include "study/profile/attached_process.hpp"
#include "study/profile/probe_setup.hpp"
#include "study/shell_words.hpp"

namespace paceline {
namespace {

void save(const std::filesystem::path& file, const std::string& text) {
  const auto aside = part_of(file);
  std::FILE* out = std::fopen(aside.c_str(), "w");
  bool is_written = out != nullptr && std::fwrite(text.data(), 1, text.size(), out) == text.size();
  if (out != nullptr && std::fclose(out) != 0) is_written = false;
  if (!is_written) {
    const std::string why = std::strerror(errno);
    std::remove(aside.c_str());
    throw Error(ErrorKind::output, fmt::format("can't write {}", file.string()), why,
                "free space, or name another file");
  }
  put_in_place(aside, file);
}

}  // namespace

ExitCode profile(const ProfileOptions& options) {
  if (!options.output.empty()) {
    check_output(options.output, options.force ? Existing::overwrite : Existing::refuse, 1 << 20);
  }
  const ProbeFolder folder;
  const auto result = run_attached(probed_line(options.line), probe_environment(folder.path()),
                                   options.json ? OutputTo::standard_error : OutputTo::standard_output);
  auto profile = make_profile(joined(options.line), read_records(folder.path()));
  for (auto& warning : warnings_about(options.line)) profile.warnings.push_back(std::move(warning));
  if (!result.is_ok()) {
    profile.warnings.push_back(result.end == ProcessResult::End::killed
                                   ? fmt::format("the command was killed by signal {}", result.code)
                                   : fmt::format("the command failed with exit code {}", result.code));
  }
  if (!options.output.empty()) save(options.output, profile_json(profile));
  fmt::print("{}", options.json ? profile_json(profile) : profile_text(profile));
  if (!result.is_ok()) return ExitCode::failure;
  return profile.efficiencies ? ExitCode::done : ExitCode::check;
}

}  // namespace paceline
