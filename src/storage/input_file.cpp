#include "storage/input_file.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <cerrno>
#include <cstring>

#include <paceline/error.hpp>

#include "storage/h5.hpp"

namespace paceline {
namespace {

Error cannot_read(const std::filesystem::path& path, const std::string& why, const std::string& suggestion) {
  return {ExitCode::input, fmt::format("can't read {}", path.string()), why, suggestion};
}

/// HDF5 says little of why a file does not open.
void check_file(const std::filesystem::path& path) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) throw cannot_read(path, "it is a folder", "name an HDF5 file");
  if (access(path.c_str(), R_OK) != 0) throw cannot_read(path, std::strerror(errno), "see that it is there and yours");
  if (H5Fis_hdf5(path.c_str()) <= 0) throw cannot_read(path, "it is no HDF5 file, or damaged", "name an HDF5 file");
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

struct InputFile::Impl {
  std::filesystem::path path;
  std::string name;
  h5::Handle file, dataset;
  bool parallel = false;
  std::int64_t elements = 0;

  void open(const std::optional<Comm>& comm) {
    check_file(path);
    const auto list = h5::properties(H5P_FILE_ACCESS);
    h5::check(H5Pset_file_locking(list.get(), 0, 1), "H5Pset_file_locking");
    if (comm) {
      h5::check(H5Pset_fapl_mpio(list.get(), comm->handle(), MPI_INFO_NULL), "H5Pset_fapl_mpio");
      h5::check(H5Pset_all_coll_metadata_ops(list.get(), true), "H5Pset_all_coll_metadata_ops");
    }
    file = {H5Fopen(path.c_str(), H5F_ACC_RDONLY, list.get()), H5Fclose, "H5Fopen"};
    dataset = open_dataset();
    const h5::Handle type(H5Dget_type(dataset.get()), H5Tclose, "H5Dget_type");
    const auto kind = H5Tget_class(type.get());
    const auto place = fmt::format("{}:{}", path.string(), name);
    if (kind != H5T_INTEGER && kind != H5T_FLOAT) {
      throw cannot_read(place, fmt::format("it holds {}", kind_of(kind)), "name a dataset of numbers");
    }
    const h5::Handle space(H5Dget_space(dataset.get()), H5Sclose, "H5Dget_space");
    const int dimensions = H5Sget_simple_extent_ndims(space.get());
    if (dimensions != 1) {
      throw cannot_read(place, fmt::format("it has {} dimensions", dimensions), "name a dataset of one dimension");
    }
    elements = static_cast<std::int64_t>(H5Sget_simple_extent_npoints(space.get()));
    if (elements == 0) throw cannot_read(place, "it is empty", "name a dataset that holds something");
  }

  [[nodiscard]] h5::Handle open_dataset() const {
    if (H5Oexists_by_name(file.get(), name.c_str(), H5P_DEFAULT) > 0) {
      const auto id = H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT);
      if (id >= 0) return {id, H5Dclose, "H5Dopen"};
    }
    throw cannot_read(path, fmt::format("it has no dataset {}", name),
                      fmt::format("there is {}", datasets_of(file.get())));
  }
};

InputFile::InputFile(const std::filesystem::path& path, const std::string& dataset, const std::optional<Comm>& comm)
    : impl_(std::make_unique<Impl>()) {
  h5::be_quiet();
  impl_->path = path;
  impl_->name = dataset;
  impl_->parallel = comm.has_value();
  try {
    impl_->open(comm);
  } catch (const Error& error) {
    if (error.code() == ExitCode::input) throw;
    throw cannot_read(path, error.what(), "see that it is whole");
  }
}

InputFile::InputFile(InputFile&&) noexcept = default;
InputFile::~InputFile() = default;

std::int64_t InputFile::elements() const { return impl_->elements; }

void InputFile::read(Slab elements, std::span<double> values) const {
  try {
    const auto extent = static_cast<hsize_t>(impl_->elements);
    const auto start = static_cast<hsize_t>(elements.begin);
    const auto count = static_cast<hsize_t>(std::max(std::int64_t{1}, elements.size()));
    const h5::Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose, "H5Screate_simple");
    const h5::Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple");
    if (elements.empty()) {
      h5::check(H5Sselect_none(space.get()), "H5Sselect_none");
      h5::check(H5Sselect_none(memory.get()), "H5Sselect_none");
    } else {
      h5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr),
                "H5Sselect_hyperslab");
    }
    const auto list = h5::properties(H5P_DATASET_XFER);
    if (impl_->parallel) h5::check(H5Pset_dxpl_mpio(list.get(), H5FD_MPIO_COLLECTIVE), "H5Pset_dxpl_mpio");
    h5::check(H5Dread(impl_->dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), list.get(), values.data()),
              "H5Dread");
  } catch (const Error& error) {
    throw cannot_read(fmt::format("{}:{}", impl_->path.string(), impl_->name), error.what(), "see that it is whole");
  }
}

}  // namespace paceline
