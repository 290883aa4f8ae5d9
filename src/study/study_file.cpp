#include "study/study_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <paceline/error.hpp>

#include "storage/output_path.hpp"
#include "storage/table_file.hpp"
#include "study/study_tables.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

constexpr const char* fit_path = "/fit/json";

Error cannot_write_study(const fs::path& path, const std::string& why) {
  return cannot_write(path, why,
                      "free space or choose another place; the samples that are there are kept, go on with --resume");
}

Error cannot_keep_fit(const fs::path& path, const std::string& why) {
  return {ErrorKind::output, fmt::format("can't keep the fit in {}", path.string()), why,
          "the report is complete; to keep it, copy the study to where you may write, and fit the copy"};
}

Error not_a_study(const fs::path& path, const std::string& why) {
  return {ErrorKind::input, fmt::format("{} is damaged or not a study", path.string()), why,
          "`paceline study -o FILE.h5` makes one"};
}

/// `cannot`: the error for what goes wrong, whose reason it is given.
void write(const fs::path& path, const std::string& suffix, const TableFile& content,
           Error (*cannot)(const fs::path& path, const std::string& why)) {
  try {
    write_table_file(path, suffix, content);
  } catch (const Error& error) {
    // "can't write PATH (WHY); SUGGESTION" -> WHY
    const std::string text = error.what();
    const auto begin = text.find(" (");
    const auto end = text.rfind("); ");
    throw cannot(path, begin != std::string::npos && end != std::string::npos && end > begin
                           ? text.substr(begin + 2, end - begin - 2)
                           : text);
  }
}

/// The groups of a study's file; checks that it is one.
TableFile read_groups(const fs::path& path) {
  try {
    auto content = read_table_file(path, {"/study", "/fit"});
    if (content.table(samples_path) != nullptr) return content;
    if (std::find(content.names.begin(), content.names.end(), "run") != content.names.end()) {
      throw not_a_study(path, "it is the result of one run");
    }
    throw not_a_study(path, fmt::format("it has no {}", samples_path));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::input) throw;
    throw not_a_study(path, error.what());
  }
}

}  // namespace

StudyFile StudyFile::create(const fs::path& path, Study study) {
  write(path, ".next", file_of(study), cannot_write_study);
  return {path, std::move(study)};
}

StudyFile StudyFile::open(const fs::path& path) { return {path, read_study(path)}; }

void StudyFile::append(const Sample& sample) {
  study_.samples.push_back(sample);
  save();
}

void StudyFile::set_samples(std::vector<Sample> samples) {
  study_.samples = std::move(samples);
  save();
}

void StudyFile::leave_out(const Layout& layout, const std::string& reason) {
  study_.left_out.emplace_back(layout, reason);
  save();
}

void StudyFile::set_fact(const std::string& name, const std::string& value) {
  auto& facts = study_.info.machine;
  const auto at = std::find_if(facts.begin(), facts.end(), [&](const auto& fact) { return fact.first == name; });
  if (at != facts.end()) {
    at->second = value;
  } else {
    facts.emplace_back(name, value);
  }
  save();
}

void StudyFile::set_table(TypedTable table) {
  auto& tables = study_.more_tables;
  std::erase_if(tables, [&](const auto& other) { return other.path == table.path; });
  tables.push_back(std::move(table));
  save();
}

void StudyFile::save() {
  const auto there = read_groups(path_).table(samples_path)->rows();
  // Fewer are those that a fit written meanwhile has lost: what is in memory counts.
  if (there > study_.samples.size()) {
    throw Error(ErrorKind::output, fmt::format("can't write {}", path_.string()), "another study adds samples to it",
                "give each study a file of its own");
  }
  write(path_, ".next", file_of(study_), cannot_write_study);
}

Study read_study(const fs::path& path) {
  const auto content = read_groups(path);
  try {
    return study_of(content);
  } catch (const Error& error) {
    throw not_a_study(path, error.what());
  }
}

bool is_study(const fs::path& path) {
  try {
    const auto names = read_table_file(path, {}).names;
    return std::find(names.begin(), names.end(), "study") != names.end();
  } catch (const Error&) {
    return false;
  }
}

void write_fit(const fs::path& path, const std::string& json) {
  auto content = read_groups(path);
  const auto aside = beside(path, ".fit");
  const auto folder = aside.has_parent_path() ? aside.parent_path() : fs::path(".");
  for (const auto& place : {path, folder}) {
    if (access(place.c_str(), W_OK) == 0) continue;
    throw cannot_keep_fit(path, fmt::format("{}: {}", place.string(), std::strerror(errno)));
  }
  std::erase_if(content.texts, [](const auto& text) { return text.first == fit_path; });
  if (content.group("/fit") == nullptr) content.groups.push_back({"/fit", {}});
  content.texts.emplace_back(fit_path, json);
  write(path, ".fit", content, cannot_keep_fit);
}

std::string read_fit(const fs::path& path) {
  const auto content = read_groups(path);
  const auto* json = content.text(fit_path);
  return json != nullptr ? *json : std::string();
}

}  // namespace paceline
