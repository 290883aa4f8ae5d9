#include "storage/study_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <hdf5_hl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <functional>

#include <paceline/error.hpp>

#include "storage/output_path.hpp"
#include "storage/study_table.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

constexpr const char* fit_path = "/fit/json";

h5::Handle access_list() {
  auto list = h5::properties(H5P_FILE_ACCESS);
  // Locks fail on many network file systems, and nobody changes a file that others can see.
  h5::check(H5Pset_file_locking(list.get(), 0, 1), "H5Pset_file_locking");
  return list;
}

h5::Handle open_file(const fs::path& path, unsigned flags) {
  h5::be_quiet();
  return {H5Fopen(path.c_str(), flags, access_list().get()), H5Fclose, "H5Fopen"};
}

Error cannot_write(const fs::path& path, const std::string& why) {
  const auto full = full_disk(path);
  return {ExitCode::output, fmt::format("can't write {}", path.string()), full.empty() ? why : full,
          "free space or choose another place; the samples that are there are kept, go on with --resume"};
}

Error cannot_keep_fit(const fs::path& path, const std::string& why) {
  return {ExitCode::output, fmt::format("can't keep the fit in {}", path.string()), why,
          "the report is complete; to keep it, copy the study to where you may write, and fit the copy"};
}

Error not_a_study(const fs::path& path, const std::string& why) {
  return {ExitCode::input, fmt::format("{} is damaged or not a study", path.string()), why,
          "`paceline study -o FILE.h5` makes one"};
}

using Cannot = Error (*)(const fs::path& path, const std::string& why);

/// Calls `change` with a copy of the file, or with a new one when there is no `from`, and puts it in the file's place.
/// `cannot`: the error for what goes wrong.
void change_aside(const fs::path& path, const fs::path& aside, bool is_new, const std::function<void(hid_t)>& change,
                  Cannot cannot = cannot_write) {
  h5::be_quiet();
  try {
    if (!is_new) {
      std::error_code code;
      fs::copy_file(path, aside, fs::copy_options::overwrite_existing, code);
      if (code) throw cannot(path, code.message());
    }
    auto file = is_new ? h5::Handle(H5Fcreate(aside.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access_list().get()), H5Fclose,
                                    "H5Fcreate")
                       : open_file(aside, H5F_ACC_RDWR);
    change(file.get());
    file.close("H5Fclose");
    put_in_place(aside, path);
  } catch (const Error& error) {
    std::error_code code;
    fs::remove(aside, code);
    if (error.code() == ExitCode::output) throw;
    throw cannot(path, error.what());
  }
}

fs::path next_of(const fs::path& path) { return beside(path, ".next"); }

void write_info(hid_t file, const StudyInfo& info) {
  h5::set_attribute(file, "software", std::string("paceline"));
  h5::set_attribute(file, "software_version", std::string(PACELINE_VERSION));
  h5::set_attribute(file, "command", info.command);
  h5::set_attribute(file, "date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))));
  const auto creation = h5::properties(H5P_GROUP_CREATE);
  h5::check(H5Pset_attr_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
            "H5Pset_attr_creation_order");
  const h5::Handle group(H5Gcreate2(file, "/study", H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose, "H5Gcreate");
  h5::set_attribute(group.get(), "command", info.command);
  h5::set_attribute(group.get(), "launcher", info.launcher);
  h5::set_attribute(group.get(), "mode", std::string(info.mode == ScalingMode::weak ? "weak" : "strong"));
  for (const auto& [name, value] : info.machine) h5::set_attribute(group.get(), name, value);
}

herr_t keep_name(hid_t /*object*/, const char* name, const H5A_info_t* /*info*/, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

StudyInfo read_info(hid_t file) {
  const h5::Handle group(H5Gopen2(file, "/study", H5P_DEFAULT), H5Gclose, "H5Gopen");
  std::vector<std::string> names;
  // In the order in which they were written; by name in a file that somebody has copied without it.
  if (H5Aiterate2(group.get(), H5_INDEX_CRT_ORDER, H5_ITER_INC, nullptr, keep_name, &names) < 0) {
    names.clear();
    h5::check(H5Aiterate2(group.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep_name, &names), "H5Aiterate");
  }
  StudyInfo info;
  const auto text = [&](const std::string& name) {
    return std::get<std::string>(h5::get_attribute(group.get(), name, std::string()));
  };
  info.command = text("command");
  info.launcher = text("launcher");
  info.mode = text("mode") == "weak" ? ScalingMode::weak : ScalingMode::strong;
  for (const auto& name : names) {
    if (name != "command" && name != "launcher" && name != "mode") info.machine.emplace_back(name, text(name));
  }
  return info;
}

bool exists(hid_t file, const char* path) { return H5LTpath_valid(file, path, 1) > 0; }

/// Space of a text that goes is used again only while the file is open: one that is there is written over.
void put_fit(hid_t file, const std::string& json) {
  const auto type = h5::text_type();
  h5::Handle dataset;
  if (exists(file, fit_path)) {
    dataset = {H5Dopen2(file, fit_path, H5P_DEFAULT), H5Dclose, "H5Dopen"};
  } else {
    const h5::Handle group(H5Gcreate2(file, "/fit", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, "H5Gcreate");
    const h5::Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
    dataset = {H5Dcreate2(file, fit_path, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
               "H5Dcreate"};
  }
  const char* text = json.c_str();
  h5::check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text), "H5Dwrite");
}

/// Opens the file to read; throws Error (input) when it is none of ours.
h5::Handle open_study(const fs::path& path) {
  std::error_code code;
  const auto cannot_read = [&](const std::string& why) {
    return Error(ExitCode::input, fmt::format("can't read {}", path.string()), why, "give the name of a study's file");
  };
  if (!fs::exists(path, code)) throw cannot_read(code ? code.message() : "there is no such file");
  if (fs::is_directory(path, code)) throw cannot_read("it is a folder");
  if (access(path.c_str(), R_OK) != 0) throw cannot_read(std::strerror(errno));
  try {
    auto file = open_file(path, H5F_ACC_RDONLY);
    if (exists(file.get(), samples_path)) return file;
    if (exists(file.get(), "/run")) throw not_a_study(path, "it is the result of one run");
    throw not_a_study(path, fmt::format("it has no {}", samples_path));
  } catch (const Error& error) {
    if (error.code() == ExitCode::input) throw;
    throw not_a_study(path, error.what());
  }
}

}  // namespace

std::string to_string(SampleStatus status) {
  switch (status) {
    case SampleStatus::ok: return "ok";
    case SampleStatus::timed_out: return "timed_out";
    case SampleStatus::no_time: return "no_time";
    default: return "failed";
  }
}

StudyFile StudyFile::create(const fs::path& path, Study study) {
  change_aside(path, next_of(path), true, [&](hid_t file) {
    write_info(file, study.info);
    create_study_tables(file);
    extend_samples(file, study.samples);
    extend_left_out(file, study.left_out);
  });
  return {path, std::move(study)};
}

StudyFile StudyFile::open(const fs::path& path) { return {path, read_study(path)}; }

void StudyFile::append(const Sample& sample) {
  study_.samples.push_back(sample);
  save();
}

void StudyFile::leave_out(const Layout& layout, const std::string& reason) {
  study_.left_out.emplace_back(layout, reason);
  save();
}

void StudyFile::save() {
  change_aside(path_, next_of(path_), false, [&](hid_t file) {
    // Of samples that a fit written meanwhile may have lost, too: what is in memory counts.
    if (table_rows(file, samples_path) > static_cast<std::int64_t>(study_.samples.size())) {
      throw Error(ExitCode::output, fmt::format("can't write {}", path_.string()), "another study adds samples to it",
                  "give each study a file of its own");
    }
    extend_samples(file, study_.samples);
    extend_left_out(file, study_.left_out);
    if (H5Lexists(file, "/fit", H5P_DEFAULT) > 0) h5::check(H5Ldelete(file, "/fit", H5P_DEFAULT), "H5Ldelete");
  });
}

Study read_study(const fs::path& path) {
  const auto file = open_study(path);
  try {
    return {read_info(file.get()), read_samples(file.get()), read_left_out(file.get())};
  } catch (const Error& error) {
    throw not_a_study(path, error.what());
  }
}

void write_fit(const fs::path& path, const std::string& json) {
  { const auto checked = open_study(path); }
  const auto aside = beside(path, ".fit");
  const auto folder = aside.has_parent_path() ? aside.parent_path() : fs::path(".");
  for (const auto& place : {path, folder}) {
    if (access(place.c_str(), W_OK) == 0) continue;
    throw cannot_keep_fit(path, fmt::format("{}: {}", place.string(), std::strerror(errno)));
  }
  change_aside(
      path, aside, false, [&](hid_t file) { put_fit(file, json); }, cannot_keep_fit);
}

std::string read_fit(const fs::path& path) {
  const auto file = open_study(path);
  if (!exists(file.get(), fit_path)) return {};
  try {
    const h5::Handle dataset(H5Dopen2(file.get(), fit_path, H5P_DEFAULT), H5Dclose, "H5Dopen");
    const auto type = h5::text_type();
    char* text = nullptr;
    h5::check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, static_cast<void*>(&text)), "H5Dread");
    const std::string json = text == nullptr ? "" : text;
    H5free_memory(text);
    return json;
  } catch (const Error& error) {
    throw not_a_study(path, error.what());
  }
}

}  // namespace paceline
