#include "storage/input_dataset.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <vector>

#include <paceline/error.hpp>

#include "storage/flat_selection.hpp"
#include "storage/output_path.hpp"
#include "storage/read_errors.hpp"

namespace paceline {
namespace {

// Elements are counted in 64 bits, with room for their bytes.
constexpr double most_elements = 0x1p56;
// What HDF5 takes for chunks anyway.
constexpr std::int64_t usual_cache = std::int64_t{1} << 20;

/// HDF5 says little of why a file does not open.
void check_file(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    throw cannot_read(path.string(), "it is a folder", "name an HDF5 file");
  }
  if (access(path.c_str(), R_OK) != 0) {
    throw cannot_read(path.string(), std::strerror(errno), "see that it is there and yours");
  }
  // Opening a pipe would wait for a writer.
  if (!std::filesystem::is_regular_file(path, code)) {
    throw cannot_read(path.string(), "it is not a regular file", "name an HDF5 file");
  }
  if (H5Fis_hdf5(path.c_str()) <= 0) {
    throw cannot_read(path.string(), "it is not an HDF5 file, or damaged", "name an HDF5 file");
  }
}

/// "/x, /group/y": the datasets that are there, a few of them.
std::string datasets_of(hid_t file) {
  struct Found {
    std::string names;
    int count = 0;
  } found;
  const auto visit = [](hid_t /*object*/, const char* name, const H5O_info_t* info, void* data) -> herr_t {
    auto& so_far = *static_cast<Found*>(data);
    if (info->type != H5O_TYPE_DATASET) return 0;
    if (++so_far.count > 8) {
      so_far.names += ", ...";
      return 1;
    }
    so_far.names += fmt::format("{}/{}", so_far.names.empty() ? "" : ", ", name);
    return 0;
  };
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, &found, H5O_INFO_BASIC);
  return found.names.empty() ? "no dataset" : found.names;
}

const char* kind_of(H5T_class_t type) {
  switch (type) {
    case H5T_STRING: return "text";
    case H5T_COMPOUND: return "records";
    case H5T_ENUM: return "enumerated values";
    case H5T_ARRAY:
    case H5T_VLEN: return "arrays";
    default: return "no numbers";
  }
}

}  // namespace

InputDataset::InputDataset(const std::filesystem::path& file, const std::string& name, h5::External external,
                           std::int64_t memory_limit)
    : path_(file), name_(name), place_(fmt::format("{}:{}", file.string(), name)) {
  h5::be_quiet();
  check_file(path_);
  try {
    const auto access = h5::properties(H5P_FILE_ACCESS);
    h5::check(H5Pset_file_locking(access.get(), 0, 1), "H5Pset_file_locking");
    file_ = {H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen"};
    h5::LinkGuard guard(path_, external);
    const auto links = h5::properties(H5P_DATASET_ACCESS);
    guard.watch(links.get());
    open(guard, links.get());
    check_type();
    check_shape();
    std::vector<char> home(4096);
    if (H5Fget_name(dataset_.get(), home.data(), home.size()) < 0) h5::check(-1, "H5Fget_name");
    h5::check_external_files(dataset_.get(), home.data(), external, place_);
    check_storage(memory_limit);
    read_conventions();
    find_position();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::input) throw;
    throw cannot_read(place_, error.what(), "see that it is whole");
  }
}

void InputDataset::open(h5::LinkGuard& guard, hid_t links) {
  const auto id = H5Oexists_by_name(file_.get(), name_.c_str(), links) > 0 ? H5Dopen2(file_.get(), name_.c_str(), links)
                                                                           : hid_t{-1};
  if (id >= 0) {
    dataset_ = {id, H5Dclose, "H5Dopen"};
    return;
  }
  if (!guard.trouble().empty()) throw cannot_read(place_, guard.trouble(), guard.suggestion());
  throw cannot_read(path_.string(), fmt::format("it has no dataset {}", name_),
                    fmt::format("there is {}", datasets_of(file_.get())));
}

void InputDataset::check_type() const {
  const h5::Handle type(H5Dget_type(dataset_.get()), H5Tclose, "H5Dget_type");
  const auto kind = H5Tget_class(type.get());
  if (kind == H5T_INTEGER || kind == H5T_FLOAT) return;
  throw cannot_read(place_, fmt::format("it holds {}", kind_of(kind)), "name a dataset of numbers");
}

void InputDataset::check_shape() {
  const h5::Handle space(H5Dget_space(dataset_.get()), H5Sclose, "H5Dget_space");
  const int dimensions = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> extents(static_cast<std::size_t>(std::max(0, dimensions)));
  h5::check(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), "H5Sget_simple_extent_dims");
  double elements = H5Sget_simple_extent_type(space.get()) == H5S_NULL ? 0 : 1;
  for (std::size_t d = 0; d < extents.size(); ++d) {
    elements *= static_cast<double>(extents[d]);
    facts_.extents[d] = static_cast<std::int64_t>(extents[d]);
  }
  facts_.dimensions = std::ssize(extents);
  // MATLAB keeps the shape of an empty array as its values.
  if (elements == 0 || has_attribute("MATLAB_empty")) {
    throw cannot_read(place_, "it is empty", "name a dataset that holds something");
  }
  if (elements > most_elements) {
    throw cannot_read(place_, fmt::format("it says that it has {:.3g} elements", elements), "see that it is whole");
  }
  facts_.elements = static_cast<std::int64_t>(elements);
}

/// That filters are there, and that what must be unpacked at once has room.
void InputDataset::check_storage(std::int64_t memory_limit) {
  const h5::Handle list(H5Dget_create_plist(dataset_.get()), H5Pclose, "H5Dget_create_plist");
  for (int k = 0; k < H5Pget_nfilters(list.get()); ++k) {
    char name[64] = "";
    std::size_t values = 0;
    unsigned flags = 0, config = 0;
    const auto filter =
        H5Pget_filter2(list.get(), static_cast<unsigned>(k), &flags, &values, nullptr, sizeof name, name, &config);
    if (filter < 0 || H5Zfilter_avail(filter) > 0) continue;
    throw cannot_read(place_, fmt::format("it is packed by the filter {} ({}), which this HDF5 has not", name, filter),
                      "install that filter, and set HDF5_PLUGIN_PATH to its folder");
  }
  if (H5Pget_layout(list.get()) != H5D_CHUNKED) return;
  std::vector<hsize_t> chunk(static_cast<std::size_t>(facts_.dimensions));
  if (H5Pget_chunk(list.get(), static_cast<int>(facts_.dimensions), chunk.data()) < 0) h5::check(-1, "H5Pget_chunk");
  const h5::Handle type(H5Dget_type(dataset_.get()), H5Tclose, "H5Dget_type");
  auto bytes = static_cast<double>(H5Tget_size(type.get()));
  for (const auto extent : chunk) bytes *= static_cast<double>(extent);
  if (bytes > static_cast<double>(memory_limit)) {
    throw cannot_read(place_, fmt::format("a chunk of it takes {}, more than --memory-limit", human_bytes(bytes)),
                      "raise the limit, or write it in smaller chunks by h5repack");
  }
  double row = bytes;
  for (std::size_t d = 1; d < chunk.size(); ++d) {
    row *= std::ceil(static_cast<double>(facts_.extents[d]) / static_cast<double>(std::max(hsize_t{1}, chunk[d])));
  }
  facts_.read_bytes = static_cast<std::int64_t>(std::min(row, 0x1p62));
  // Numbers are read in order, in pieces: the chunks of a row are wanted again and again.
  const auto cache = std::clamp(row, bytes, std::max(bytes, static_cast<double>(memory_limit) / 2));
  if (cache <= static_cast<double>(usual_cache)) return;
  const auto access = h5::properties(H5P_DATASET_ACCESS);
  h5::check(H5Pset_chunk_cache(access.get(), 12'421, static_cast<std::size_t>(cache), 1.0), "H5Pset_chunk_cache");
  h5::LinkGuard guard(path_, h5::External::followed);  // looked at before
  guard.watch(access.get());
  dataset_ = {};
  dataset_ = {H5Dopen2(file_.get(), name_.c_str(), access.get()), H5Dclose, "H5Dopen"};
}

bool InputDataset::has_attribute(const char* name) const { return H5Aexists(dataset_.get(), name) > 0; }

std::vector<double> InputDataset::numbers_of(const char* name) const {
  if (!has_attribute(name)) return {};
  const h5::Handle attribute(H5Aopen(dataset_.get(), name, H5P_DEFAULT), H5Aclose, "H5Aopen");
  const h5::Handle type(H5Aget_type(attribute.get()), H5Tclose, "H5Aget_type");
  const h5::Handle space(H5Aget_space(attribute.get()), H5Sclose, "H5Aget_space");
  const auto kind = H5Tget_class(type.get());
  const auto count = H5Sget_simple_extent_npoints(space.get());
  if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
    throw cannot_read(place_, fmt::format("its attribute {} holds {}", name, kind_of(kind)), "give it numbers");
  }
  if (count < 1 || count > static_cast<hssize_t>(DatasetFacts::most_marks)) {
    throw cannot_read(place_, fmt::format("its attribute {} has {} values", name, count), "see that it is whole");
  }
  std::vector<double> values(static_cast<std::size_t>(count));
  h5::check(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, values.data()), "H5Aread");
  return values;
}

/// Our own tables count what is missing; in netCDF (Conventions CF-1.10, 2.5.1 and 8.1) values say it themselves.
void InputDataset::read_conventions() {
  if (has_attribute("_Unsigned")) {
    throw cannot_read(place_, "its attribute _Unsigned says that its numbers are not what they are stored as",
                      "write them as unsigned integers");
  }
  std::vector<double> marks;
  if (const auto missing = numbers_of("missing"); !missing.empty() && has_attribute("missing_value")) {
    if (missing.front() > 0) {
      throw cannot_read(place_, fmt::format("{:.0f} of {} values are missing", missing.front(), facts_.elements),
                        "name a dataset that has all of them");
    }
  } else {
    marks = numbers_of("missing_value");
  }
  const auto fill = numbers_of("_FillValue");
  marks.insert(marks.end(), fill.begin(), fill.end());
  if (marks.size() > DatasetFacts::most_marks) marks.resize(DatasetFacts::most_marks);
  std::copy(marks.begin(), marks.end(), facts_.marks.begin());
  facts_.mark_count = std::ssize(marks);

  const auto infinity = HUGE_VAL;
  const auto range = numbers_of("valid_range"), low = numbers_of("valid_min"), high = numbers_of("valid_max");
  facts_.has_range = range.size() == 2 || !low.empty() || !high.empty();
  facts_.lowest = range.size() == 2 ? range[0] : low.empty() ? -infinity : low[0];
  facts_.highest = range.size() == 2 ? range[1] : high.empty() ? infinity : high[0];

  const auto scale = numbers_of("scale_factor"), offset = numbers_of("add_offset");
  facts_.is_packed = !scale.empty() || !offset.empty();
  if (!scale.empty()) facts_.scale = scale.front();
  if (!offset.empty()) facts_.offset = offset.front();
}

/// Doubles of this machine that lie one after the other need no HDF5 to be read.
void InputDataset::find_position() {
  const h5::Handle list(H5Dget_create_plist(dataset_.get()), H5Pclose, "H5Dget_create_plist");
  if (H5Pget_layout(list.get()) != H5D_CONTIGUOUS || H5Pget_external_count(list.get()) > 0) return;
  const h5::Handle type(H5Dget_type(dataset_.get()), H5Tclose, "H5Dget_type");
  const auto position = H5Dget_offset(dataset_.get());
  if (position == HADDR_UNDEF) return;
  std::vector<char> home(4096);
  if (H5Fget_name(dataset_.get(), home.data(), home.size()) < 0) h5::check(-1, "H5Fget_name");
  const auto bytes = static_cast<double>(facts_.elements) * static_cast<double>(H5Tget_size(type.get()));
  if (static_cast<double>(position) + bytes > static_cast<double>(std::filesystem::file_size(home.data()))) {
    throw cannot_read(place_, "the file ends before its numbers do", "bring all of it");
  }
  std::error_code code;
  const bool is_here = std::filesystem::equivalent(home.data(), path_, code);
  if (is_here && H5Tequal(type.get(), H5T_NATIVE_DOUBLE) > 0) facts_.position = static_cast<std::int64_t>(position);
}

void InputDataset::read(Slab elements, std::span<double> values) const {
  const h5::Handle space(H5Dget_space(dataset_.get()), H5Sclose, "H5Dget_space");
  std::vector<hsize_t> extents(static_cast<std::size_t>(facts_.dimensions));
  for (std::size_t d = 0; d < extents.size(); ++d) extents[d] = static_cast<hsize_t>(facts_.extents[d]);
  h5::select_flat(space.get(), extents, {&elements, 1});
  const auto count = static_cast<hsize_t>(elements.size());
  const h5::Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple");
  h5::check(H5Dread(dataset_.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()),
            "H5Dread");
}

}  // namespace paceline
