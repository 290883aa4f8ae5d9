#include "study/import/import.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "host/secrets.hpp"
#include "host/text.hpp"
#include "storage/output_path.hpp"
#include "study/import/formats.hpp"
#include "study/measure/facts.hpp"
#include "study/shell_words.hpp"
#include "study/study_file.hpp"
#include "workloads/table/foreign.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t most_bytes = std::uintmax_t{256} << 20;

std::string read_text(const fs::path& path) {
  std::error_code code;
  const auto cannot = [&](const std::string& why) {
    return Error(ErrorKind::input, fmt::format("can't read {}", path.string()), why, "name a file with times");
  };
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) throw cannot("there is no such file");
  if (fs::is_directory(status)) throw cannot("it is a folder");
  if (!fs::is_regular_file(status)) throw cannot("it is a device or a pipe");
  if (fs::file_size(path, code) > most_bytes) throw cannot("it is larger than 256 MiB");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw cannot(std::strerror(errno));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (const auto foreign = table::foreign_format(text); foreign.why != nullptr) throw cannot(foreign.why);
  if (text.find('\0') != std::string::npos) throw cannot("it is not text");
  return text;
}

}  // namespace

ImportedTimes import_text(const std::string& text, const std::string& name, const ImportWishes& wishes) {
  ImportedTimes times;
  const auto first = trimmed(text);
  if (first.empty()) throw bad_times(name, "it is empty", "name a file with times");
  const auto may_be = [&](TimesFormat format) {
    return wishes.format == TimesFormat::automatic || wishes.format == format;
  };
  bool is_known = false;
  if (first.front() == '{' || first.front() == '[') {
    is_known = import_json(text, name, wishes, times);
  } else {
    if (!is_known && may_be(TimesFormat::extra_p)) is_known = import_extra_p(text, name, wishes, times);
    if (!is_known && may_be(TimesFormat::lammps)) is_known = import_lammps(text, name, wishes, times);
    if (!is_known && may_be(TimesFormat::gromacs)) is_known = import_gromacs(text, name, wishes, times);
    const bool may_be_table = may_be(TimesFormat::csv) || may_be(TimesFormat::hyperfine) ||
                              may_be(TimesFormat::reframe) || may_be(TimesFormat::jube);
    if (!is_known && may_be_table) {
      import_rows(split_table(text, name, wishes.format), name, wishes, times);
      is_known = true;
    }
  }
  if (!is_known) {
    throw bad_times(name, wishes.format == TimesFormat::automatic ? "its format is not known" : "it is no such format",
                    "see `paceline import --help` for the formats");
  }
  return times;
}

Study imported_study(const std::vector<ImportedTimes>& files, const ImportOptions& options) {
  Study study;
  study.info.mode = options.mode;
  study.info.launcher = "imported";
  std::set<std::string> formats;
  std::vector<std::string> notes;
  std::map<Layout, int> repeats;
  for (const auto& file : files) {
    formats.insert(file.format);
    notes.insert(notes.end(), file.notes.begin(), file.notes.end());
    if (study.info.command.empty()) study.info.command = file.command;
    for (const auto& run : file.runs) {
      Sample sample;
      sample.layout = run.layout;
      sample.repeat = repeats[run.layout]++;
      sample.order = static_cast<int>(study.samples.size());
      sample.wall_s = run.seconds;
      sample.status = SampleStatus::ok;
      study.samples.push_back(std::move(sample));
    }
  }
  std::vector<std::string> names;
  for (const auto& path : options.files) names.push_back(path.string());
  if (!options.wishes.command.empty()) study.info.command = options.wishes.command;
  if (study.info.command.empty()) study.info.command = joined(names);
  study.info.command = masked(study.info.command);
  study.info.machine = {{"binding", "trust"},
                        {"imported_from", fmt::format("{}", fmt::join(names, "\n"))},
                        {"imported_format", fmt::format("{}", fmt::join(formats, ", "))},
                        {"import_notes", fmt::format("{}", fmt::join(notes, "\n"))},
                        {"paceline", PACELINE_VERSION},
                        {"date", utc_now()}};
  return study;
}

ExitCode import_times(const ImportOptions& options) {
  std::vector<ImportedTimes> files;
  for (const auto& path : options.files) files.push_back(import_text(read_text(path), path.string(), options.wishes));
  for (const auto& file : files) {
    if (!file.are_rates || options.mode == ScalingMode::strong) continue;
    throw Error(ErrorKind::usage, "weak scaling has times, not throughputs",
                "the work of each run would have to be known", "give the times by --time");
  }
  const auto study = imported_study(files, options);
  if (study.samples.empty()) {
    throw bad_times(options.files.front().string(), "it has no runs", "give a file that holds times");
  }
  check_output(options.output, options.force ? Existing::overwrite : Existing::refuse, 1 << 20);
  StudyFile::create(options.output, study);
  for (const auto& file : files) {
    for (const auto& note : file.notes) fmt::print(stderr, "paceline: note: {}\n", note);
  }
  std::fflush(stderr);
  std::set<Layout> layouts;
  for (const auto& sample : study.samples) layouts.insert(sample.layout);
  std::set<std::string> formats;
  for (const auto& file : files) formats.insert(file.format);
  fmt::print("{}: {} of {}, from {}; their binding is a matter of trust\nNext: paceline fit {}\n",
             options.output.string(), plural(std::ssize(study.samples), "run"), plural(std::ssize(layouts), "layout"),
             fmt::join(formats, ", "), options.output.string());
  return ExitCode::done;
}

}  // namespace paceline
