#include "storage/structure.hpp"

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <span>

#include "storage/file_image.hpp"
#include "storage/transfer.hpp"

namespace paceline {
namespace {

/// A contiguous dataset with its place in the file reserved; nothing is written to it.
h5::Handle create_dataset(hid_t file, const std::string& path, hid_t type, const std::vector<hsize_t>& dims) {
  const auto space = dims.empty() ? h5::Handle(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate") : h5::simple_space(dims);
  const auto creation = h5::properties(H5P_DATASET_CREATE);
  h5::check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
  h5::check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
  const auto links = h5::properties(H5P_LINK_CREATE);
  h5::check(H5Pset_create_intermediate_group(links.get(), 1), "H5Pset_create_intermediate_group");
  return {H5Dcreate2(file, path.c_str(), type, space.get(), links.get(), creation.get(), H5P_DEFAULT), H5Dclose,
          "H5Dcreate"};
}

void add_axes(hid_t file, hid_t dataset, const ResultShape& shape) {
  for (std::size_t d = 0; d < shape.axes.size(); ++d) {
    const auto& axis = shape.axes[d];
    const auto scale = create_dataset(file, axis.path, H5T_IEEE_F64LE, {axis.values.size()});
    h5::check(H5Dwrite(scale.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, axis.values.data()), "H5Dwrite");
    h5::check(H5DSset_scale(scale.get(), axis.label.c_str()), "H5DSset_scale");
    h5::check(H5DSattach_scale(dataset, scale.get(), static_cast<unsigned>(d)), "H5DSattach_scale");
    h5::check(H5DSset_label(dataset, static_cast<unsigned>(d), axis.label.c_str()), "H5DSset_label");
  }
}

/// HDF5 Image and Palette Specification, version 1.2.
void mark_as_image(hid_t file, hid_t dataset, const ResultShape& shape) {
  const auto& path = shape.path;
  const auto text = [&](const char* name, const char* value) {
    h5::check(H5LTset_attribute_string(file, path.c_str(), name, value), name);
  };
  text("CLASS", "IMAGE");
  text("IMAGE_VERSION", "1.2");
  text("DISPLAY_ORIGIN", "UL");
  const auto& palette = shape.image.palette;
  text("IMAGE_SUBCLASS", palette.empty() ? "IMAGE_GRAYSCALE" : "IMAGE_INDEXED");
  const std::uint8_t white_is_zero = 0;
  h5::check(H5LTset_attribute_uchar(file, path.c_str(), "IMAGE_WHITE_IS_ZERO", &white_is_zero, 1),
            "IMAGE_WHITE_IS_ZERO");
  // The range has the type of the pixels.
  const h5::Handle space(
      [] {
        const hsize_t two = 2;
        return H5Screate_simple(1, &two, nullptr);
      }(),
      H5Sclose, "H5Screate_simple");
  const h5::Handle range(H5Acreate2(dataset, "IMAGE_MINMAXRANGE", h5::stored_type(shape.type, 1).get(), space.get(),
                                    H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose, "H5Acreate");
  const std::uint64_t values[] = {0, shape.image.max_value};
  h5::check(H5Awrite(range.get(), H5T_NATIVE_UINT64, values), "H5Awrite");
  if (!palette.empty()) {
    const hsize_t colours[] = {palette.size() / 3, 3};
    const auto palette_path = path + "_palette";
    h5::check(H5IMmake_palette(file, palette_path.c_str(), colours, palette.data()), "H5IMmake_palette");
    h5::check(H5IMlink_palette(file, path.c_str(), palette_path.c_str()), "H5IMlink_palette");
  }
}

/// In their group, which has the parameters of all.
void add_columns(hid_t file, const ResultShape& shape) {
  const auto links = h5::properties(H5P_LINK_CREATE);
  h5::check(H5Pset_create_intermediate_group(links.get(), 1), "H5Pset_create_intermediate_group");
  const h5::Handle group(H5Gcreate2(file, shape.path.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose,
                         "H5Gcreate");
  for (const auto& column : shape.columns) {
    const auto type = h5::stored_type(column.type, column.width);
    const auto dataset = create_dataset(file, column.path, type.get(), {unsigned_of(shape.elements(column))});
    for (const auto& [name, value] : column.attributes) h5::set_attribute(dataset.get(), name, value);
    if (!column.units.empty()) h5::set_attribute(dataset.get(), "units", column.units);
  }
}

}  // namespace

void write_structure(hid_t file, const ResultShape& shape) {
  // First, so that it lies where every file has it.
  create_dataset(file, identity_path, H5T_STD_U8LE, {unsigned_of(identity_header + std::ssize(identity_text(shape)))});
  if (!shape.columns.empty()) add_columns(file, shape);
  const auto items = shape.columns.empty()
                         ? create_dataset(file, shape.path, h5::stored_type(shape.type, 1).get(),
                                          {shape.stored_dims().begin(), shape.stored_dims().end()})
                         : h5::Handle(H5Gopen2(file, shape.path.c_str(), H5P_DEFAULT), H5Gclose, "H5Gopen");
  for (const auto& [name, value] : shape.attributes) h5::set_attribute(items.get(), name, value);
  if (!shape.units.empty()) h5::set_attribute(items.get(), "units", shape.units);
  // In this order: HDF5 1.10 refuses to attach a scale to what has another CLASS already.
  add_axes(file, items.get(), shape);
  if (shape.is_image) mark_as_image(file, items.get(), shape);
  const std::vector<hsize_t> one_each = {unsigned_of(shape.items())};
  if (!shape.origins.empty()) {
    const auto seconds = create_dataset(file, shape.origins + "/seconds", H5T_IEEE_F64LE, one_each);
    h5::set_attribute(seconds.get(), "units", std::string("s"));
    create_dataset(file, shape.origins + "/rank", H5T_STD_I32LE, one_each);
    create_dataset(file, shape.origins + "/thread", H5T_STD_I32LE, one_each);
    create_dataset(file, origin_digests_path, H5T_STD_U64LE, one_each);
  }
  if (shape.variable) {
    create_dataset(file, shape.variable->begin_path, H5T_STD_I64LE, one_each);
    const auto sizes = create_dataset(file, shape.variable->size_path, H5T_STD_I64LE, one_each);
    h5::set_attribute(sizes.get(), "units", std::string("byte"));
  }
  create_dataset(file, item_digests_path, H5T_STD_U64LE, one_each);
  create_dataset(file, finished_flags_path, H5T_STD_U8LE, one_each);
}

void write_variable_bytes(hid_t file, const VariableBytes& variable, std::int64_t bytes) {
  create_dataset(file, variable.path, H5T_STD_U8LE, {unsigned_of(bytes)});
}

std::vector<std::string> data_paths(const ResultShape& shape) {
  std::vector<std::string> paths = {identity_path};
  if (shape.columns.empty()) paths.push_back(shape.path);
  for (const auto& column : shape.columns) paths.push_back(column.path);
  if (!shape.origins.empty()) {
    for (const auto* name : {"/seconds", "/rank", "/thread"}) paths.push_back(shape.origins + name);
    paths.emplace_back(origin_digests_path);
  }
  if (shape.variable) {
    paths.insert(paths.end(), {shape.variable->begin_path, shape.variable->size_path, shape.variable->path});
  }
  paths.insert(paths.end(), {item_digests_path, finished_flags_path});
  return paths;
}

void write_tables(hid_t file, const RunTables& tables) {
  const h5::Handle host(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  h5::check(H5Tset_size(host.get(), sizeof(RankRow::host)), "H5Tset_size");
  const h5::Handle row(H5Tcreate(H5T_COMPOUND, sizeof(RankRow)), H5Tclose, "H5Tcreate");
  const auto field = [&](const char* name, std::size_t offset, hid_t type) {
    h5::check(H5Tinsert(row.get(), name, offset, type), "H5Tinsert");
  };
  field("rank", HOFFSET(RankRow, rank), H5T_NATIVE_INT32);
  field("host", HOFFSET(RankRow, host), host.get());
  field("bound_cores", HOFFSET(RankRow, bound_cores), H5T_NATIVE_INT32);
  field("threads", HOFFSET(RankRow, threads), H5T_NATIVE_INT32);
  field("items", HOFFSET(RankRow, items), H5T_NATIVE_INT64);
  field("work_useful", HOFFSET(RankRow, work_useful), H5T_NATIVE_UINT64);
  field("work_executed", HOFFSET(RankRow, work_executed), H5T_NATIVE_UINT64);
  for (const auto& list : {std::span<const Phase>(phases), std::span<const Phase>(phase_parts)}) {
    for (const auto& phase : list) {
      const RankRow example;
      const auto offset =
          reinterpret_cast<const char*>(&(example.*phase.seconds)) - reinterpret_cast<const char*>(&example);
      field(fmt::format("{}_s", phase.name).c_str(), static_cast<std::size_t>(offset), H5T_NATIVE_DOUBLE);
    }
  }
  const auto put = [&](const char* path, hid_t type, const std::vector<hsize_t>& dims, const void* data) {
    const auto dataset = create_dataset(file, path, type, dims);
    h5::set_attribute(dataset.get(), "units", "s");
    h5::check(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "H5Dwrite");
  };
  put("/run/ranks", row.get(), {tables.ranks.size()}, tables.ranks.data());
  put("/run/threads", H5T_NATIVE_DOUBLE, {tables.ranks.size(), unsigned_of(tables.threads)}, tables.busy_s.data());
}

void write_reduced(hid_t file, const Reduced& reduced) {
  const auto dataset = create_dataset(file, reduced.path, H5T_IEEE_F64LE, {reduced.dims.begin(), reduced.dims.end()});
  if (!reduced.values.empty()) {
    h5::check(H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, reduced.values.data()),
              "H5Dwrite");
  }
  h5::set_attribute(dataset.get(), "what", reduced.what);
}

}  // namespace paceline
