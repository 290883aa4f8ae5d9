#include "storage/external_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <paceline/error.hpp>

namespace paceline::h5 {
namespace {

constexpr int most_levels = 8;  // of virtual datasets of virtual datasets

bool is_regular(const std::filesystem::path& path) {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code);
}

bool is_there(const std::filesystem::path& path) {
  std::error_code code;
  return std::filesystem::exists(path, code);
}

/// All places where HDF5 looks for a file that another one names.
std::vector<std::filesystem::path> candidates(const std::filesystem::path& parent, const std::string& name,
                                              const char* variable) {
  const std::filesystem::path target(name);
  if (target.is_absolute()) return {target};
  std::vector<std::filesystem::path> found;
  if (const char* prefixes = std::getenv(variable); prefixes != nullptr) {
    for (std::string_view rest(prefixes); !rest.empty();) {
      const auto end = std::min(rest.find(':'), rest.size());
      found.push_back(std::filesystem::path(rest.substr(0, end)) / target);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  found.push_back(parent.parent_path() / target);
  found.push_back(target);
  return found;
}

/// A file below the folder of the one that names it belongs to the same data.
bool is_beside(const std::string& name) {
  const std::filesystem::path target(name);
  return target.is_relative() &&
         std::none_of(target.begin(), target.end(), [](const auto& part) { return part == ".."; });
}

Error refused(const std::string& place, const std::string& why, const std::string& suggestion) {
  return {ErrorKind::input, fmt::format("can't read {}", place), why, suggestion};
}

const std::string allow = "add --allow-external if that is meant";

void check_raw_storage(hid_t list, const std::filesystem::path& file, External external, const std::string& place) {
  const int count = H5Pget_external_count(list);
  for (int k = 0; k < count; ++k) {
    std::array<char, 4096> name{};
    off_t offset = 0;
    hsize_t size = 0;
    check(H5Pget_external(list, static_cast<unsigned>(k), name.size() - 1, name.data(), &offset, &size),
          "H5Pget_external");
    if (external == External::refused) {
      throw refused(place, fmt::format("its numbers lie outside of the file, in {}", name.data()), allow);
    }
    const auto all = candidates(file, name.data(), "HDF5_EXTFILE_PREFIX");
    const auto found = std::find_if(all.begin(), all.end(), is_there);
    if (found == all.end()) {
      throw refused(place, fmt::format("its numbers lie in {}, which is missing", name.data()), "bring that file");
    }
    if (!std::all_of(all.begin(), all.end(), [](const auto& path) { return !is_there(path) || is_regular(path); })) {
      throw refused(place, fmt::format("its numbers lie in {}, which is not a regular file", name.data()), "");
    }
    const auto bytes = std::filesystem::file_size(*found);
    if (size != H5F_UNLIMITED && (offset < 0 || static_cast<hsize_t>(offset) + size > bytes)) {
      throw refused(place, fmt::format("{} is shorter than the numbers that lie in it", name.data()),
                    "bring all of it");
    }
  }
}

void check_sources(hid_t list, const std::filesystem::path& file, External external, const std::string& place,
                   int level);

/// That it has the elements which are taken from it.
void check_source(hid_t list, std::size_t number, const std::filesystem::path& file, External external,
                  const std::string& place, int level) {
  std::array<char, 4096> file_name{}, set_name{};
  if (H5Pget_virtual_filename(list, number, file_name.data(), file_name.size() - 1) < 0 ||
      H5Pget_virtual_dsetname(list, number, set_name.data(), set_name.size() - 1) < 0) {
    check(-1, "H5Pget_virtual_filename");
  }
  const std::string name = file_name.data();
  const bool is_same = name == ".";
  if (!is_same && !is_beside(name) && external == External::refused) {
    throw refused(place, fmt::format("its numbers lie outside of the file's folder, in {}", name), allow);
  }
  std::vector<std::filesystem::path> all = {file};
  if (!is_same) all = candidates(file, name, "HDF5_VDS_PREFIX");
  const auto found = std::find_if(all.begin(), all.end(), is_there);
  if (found == all.end()) {
    throw refused(place, fmt::format("its source {} is missing", name),
                  "bring that file; without it there are fill values only");
  }
  if (!std::all_of(all.begin(), all.end(), [](const auto& path) { return !is_there(path) || is_regular(path); })) {
    throw refused(place, fmt::format("its source {} is not a regular file", name), "");
  }
  const auto access = properties(H5P_FILE_ACCESS);
  check(H5Pset_file_locking(access.get(), 0, 1), "H5Pset_file_locking");
  const auto wrong = [&] {
    return refused(place, fmt::format("its source {} has no such dataset {}", name, set_name.data()),
                   "bring the file that it was made with");
  };
  const auto opened = H5Fopen(found->c_str(), H5F_ACC_RDONLY, access.get());
  if (opened < 0)
    throw refused(place, fmt::format("its source {} is not an HDF5 file, or damaged", name), "bring another copy");
  const Handle source(opened, H5Fclose, "H5Fopen");
  LinkGuard guard(*found, external);
  const auto links = properties(H5P_DATASET_ACCESS);
  guard.watch(links.get());
  const auto id = H5Dopen2(source.get(), set_name.data(), links.get());
  if (id < 0) throw wrong();
  const Handle dataset(id, H5Dclose, "H5Dopen");
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, "H5Dget_space");
  const Handle taken(H5Pget_virtual_srcspace(list, number), H5Sclose, "H5Pget_virtual_srcspace");
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  check(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), "H5Sget_simple_extent_dims");
  if (H5Sget_select_type(taken.get()) != H5S_SEL_ALL) {
    const auto dimensions = static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(taken.get())));
    std::vector<hsize_t> first(dimensions), last(dimensions);
    if (dimensions != extents.size() || H5Sget_select_bounds(taken.get(), first.data(), last.data()) < 0) throw wrong();
    for (std::size_t d = 0; d < dimensions; ++d) {
      if (last[d] >= extents[d]) {
        throw refused(place, fmt::format("its source {}:{} is too short", name, set_name.data()), "bring all of it");
      }
    }
  } else {
    const Handle filled(H5Pget_virtual_vspace(list, number), H5Sclose, "H5Pget_virtual_vspace");
    if (H5Sget_select_npoints(filled.get()) != H5Sget_simple_extent_npoints(space.get())) {
      throw refused(place, fmt::format("its source {}:{} has another shape", name, set_name.data()),
                    "bring the file that it was made with");
    }
  }
  const Handle creation(H5Dget_create_plist(dataset.get()), H5Pclose, "H5Dget_create_plist");
  check_raw_storage(creation.get(), *found, external, place);
  check_sources(creation.get(), *found, external, place, level + 1);
}

void check_sources(hid_t list, const std::filesystem::path& file, External external, const std::string& place,
                   int level) {
  if (H5Pget_layout(list) != H5D_VIRTUAL) return;
  if (level > most_levels) throw refused(place, "its sources are virtual, too, and go round in circles", "");
  std::size_t count = 0;
  check(H5Pget_virtual_count(list, &count), "H5Pget_virtual_count");
  for (std::size_t k = 0; k < count; ++k) check_source(list, k, file, external, place, level);
}

/// What no source fills would be read as fill values.
void check_coverage(hid_t dataset, hid_t list, const std::string& place) {
  if (H5Pget_layout(list) != H5D_VIRTUAL) return;
  const Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  std::size_t count = 0;
  check(H5Pget_virtual_count(list, &count), "H5Pget_virtual_count");
  hssize_t mapped = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const Handle part(H5Pget_virtual_vspace(list, k), H5Sclose, "H5Pget_virtual_vspace");
    mapped += H5Sget_select_npoints(part.get());
  }
  if (mapped < H5Sget_simple_extent_npoints(space.get())) {
    throw refused(
        place,
        fmt::format("{} of its {} elements have no source", H5Sget_simple_extent_npoints(space.get()) - mapped,
                    H5Sget_simple_extent_npoints(space.get())),
        "name the datasets that it was put together from");
  }
}

}  // namespace

LinkGuard::LinkGuard(std::filesystem::path file, External external) : file_(std::move(file)), external_(external) {}

void LinkGuard::watch(hid_t list) { check(H5Pset_elink_cb(list, &LinkGuard::look, this), "H5Pset_elink_cb"); }

herr_t LinkGuard::look(const char* file, const char* /*group*/, const char* target, const char* object,
                       unsigned* /*flags*/, hid_t /*list*/, void* self) {
  try {
    return static_cast<LinkGuard*>(self)->look_at(file, target, object);
  } catch (...) {
    return -1;
  }
}

herr_t LinkGuard::look_at(const std::filesystem::path& parent, const std::string& target, const std::string& object) {
  const auto link = fmt::format("an external link to {}:{}", target, object);
  if (external_ == External::refused) {
    trouble_ = fmt::format("it is {}, outside of the file", link);
    suggestion_ = allow;
    return -1;
  }
  const auto all = candidates(parent, target, "HDF5_EXT_PREFIX");
  if (std::none_of(all.begin(), all.end(), is_there)) {
    trouble_ = fmt::format("it is {}, and there is no such file", link);
    suggestion_ = "bring that file";
    return -1;
  }
  for (const auto& path : all) {
    if (!is_there(path) || is_regular(path)) continue;
    trouble_ = fmt::format("it is {}, which is not a regular file", link);
    suggestion_ = "link to an HDF5 file";
    return -1;
  }
  // Told if that file can't be opened after all.
  trouble_ = fmt::format("it is {}, which can't be opened", link);
  suggestion_ = "see that it is an HDF5 file with that dataset";
  return 0;
}

void check_external_files(hid_t dataset, const std::filesystem::path& file, External external,
                          const std::string& place) {
  const Handle list(H5Dget_create_plist(dataset), H5Pclose, "H5Dget_create_plist");
  check_raw_storage(list.get(), file, external, place);
  check_sources(list.get(), file, external, place, 0);
  check_coverage(dataset, list.get(), place);
}

}  // namespace paceline::h5
