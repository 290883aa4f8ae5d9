#include "storage/table_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>

#include <paceline/error.hpp>

#include "storage/h5.hpp"

namespace paceline {
namespace {

/// Of one table, in memory.
constexpr std::uint64_t most_table_bytes = std::uint64_t{256} << 20;

Error damaged(const std::string& why) { return {ErrorKind::failure, why}; }

h5::Handle bool_type() {
  h5::Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose, "H5Tenum_create");
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  h5::check(H5Tenum_insert(type.get(), "FALSE", &no), "H5Tenum_insert");
  h5::check(H5Tenum_insert(type.get(), "TRUE", &yes), "H5Tenum_insert");
  return type;
}

/// Attributes in their order, of any size: the first formats of HDF5 have at most 64 kB.
h5::Handle with_attributes(hid_t kind) {
  auto creation = h5::properties(kind);
  h5::check(H5Pset_attr_creation_order(creation.get(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
            "H5Pset_attr_creation_order");
  h5::check(H5Pset_attr_phase_change(creation.get(), 0, 0), "H5Pset_attr_phase_change");
  return creation;
}

// --- writing ---------------------------------------------------------------------------------------------------------

std::size_t longest(const std::vector<std::string>& texts) {
  std::size_t size = 1;
  for (const auto& text : texts) size = std::max(size, text.size());
  return size;
}

h5::Handle column_type(const TypedColumn& column) {
  switch (column.type) {
    case CellType::int32: return {H5Tcopy(H5T_NATIVE_INT32), H5Tclose, "H5Tcopy"};
    case CellType::int64: return {H5Tcopy(H5T_NATIVE_INT64), H5Tclose, "H5Tcopy"};
    case CellType::float64: return {H5Tcopy(H5T_NATIVE_DOUBLE), H5Tclose, "H5Tcopy"};
    case CellType::boolean: return bool_type();
    default: break;
  }
  auto type = h5::text_type(longest(column.texts));
  h5::check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "H5Tset_strpad");
  return type;
}

void put_value(const TypedColumn& column, std::size_t row, std::byte* place) {
  const auto put = [&](auto value) { std::memcpy(place, &value, sizeof value); };
  switch (column.type) {
    case CellType::int32: return put(static_cast<std::int32_t>(column.integers[row]));
    case CellType::int64: return put(column.integers[row]);
    case CellType::float64: return put(column.numbers[row]);
    case CellType::boolean: return put(static_cast<std::int8_t>(column.integers[row] != 0 ? 1 : 0));
    default: std::memcpy(place, column.texts[row].data(), column.texts[row].size());
  }
}

void put_text_attribute(hid_t object, const std::string& name, const std::string& text) {
  const auto type = h5::text_type(std::max<std::size_t>(1, text.size()));
  h5::check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "H5Tset_strpad");
  const h5::Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const h5::Handle attribute(H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                             H5Aclose, "H5Acreate");
  const char none = 0;
  h5::check(H5Awrite(attribute.get(), type.get(), text.empty() ? &none : text.data()), "H5Awrite");
}

void put_table(hid_t file, const TypedTable& table) {
  std::size_t row_bytes = 0;
  std::vector<h5::Handle> types;
  for (const auto& column : table.columns) {
    types.push_back(column_type(column));
    row_bytes += H5Tget_size(types.back().get());
  }
  const h5::Handle row(H5Tcreate(H5T_COMPOUND, row_bytes), H5Tclose, "H5Tcreate");
  std::vector<std::size_t> offsets;
  std::size_t offset = 0;
  for (std::size_t c = 0; c < types.size(); ++c) {
    offsets.push_back(offset);
    h5::check(H5Tinsert(row.get(), table.columns[c].name.c_str(), offset, types[c].get()), "H5Tinsert");
    offset += H5Tget_size(types[c].get());
  }
  std::vector<std::byte> rows(row_bytes * table.rows());
  for (std::size_t r = 0; r < table.rows(); ++r) {
    for (std::size_t c = 0; c < types.size(); ++c) put_value(table.columns[c], r, &rows[r * row_bytes + offsets[c]]);
  }
  const hsize_t count = table.rows();
  const hsize_t unlimited = H5S_UNLIMITED;
  const hsize_t chunk = std::max<hsize_t>(1, std::min<hsize_t>(count, 4096));
  const h5::Handle space(H5Screate_simple(1, &count, &unlimited), H5Sclose, "H5Screate_simple");
  const auto creation = h5::properties(H5P_DATASET_CREATE);
  h5::check(H5Pset_chunk(creation.get(), 1, &chunk), "H5Pset_chunk");
  const h5::Handle dataset(
      H5Dcreate2(file, table.path.c_str(), row.get(), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  if (!rows.empty()) {
    h5::check(H5Dwrite(dataset.get(), row.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), "H5Dwrite");
  }
  if (!table.units.empty()) put_text_attribute(dataset.get(), "units", table.units);
}

void put_text(hid_t file, const std::string& path, const std::string& text) {
  const auto type = h5::text_type(std::max<std::size_t>(1, text.size()));
  h5::check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "H5Tset_strpad");
  const h5::Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const h5::Handle dataset(
      H5Dcreate2(file, path.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
      "H5Dcreate");
  const char none = 0;
  h5::check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.empty() ? &none : text.data()),
            "H5Dwrite");
}

// --- reading ---------------------------------------------------------------------------------------------------------

std::string trimmed(const char* text, std::size_t size) { return {text, strnlen(text, size)}; }

/// The texts of `count` elements that lie `each` bytes apart.
std::string read_text(hid_t type, const std::function<herr_t(hid_t, void*)>& read) {
  if (H5Tget_class(type) != H5T_STRING) throw damaged("a text is of another type");
  if (H5Tis_variable_str(type) > 0) {
    const h5::Handle memory(H5Tcopy(type), H5Tclose, "H5Tcopy");
    char* text = nullptr;
    h5::check(read(memory.get(), static_cast<void*>(&text)), "H5Dread");
    const std::unique_ptr<char, herr_t (*)(void*)> owner(text, [](void* p) { return H5free_memory(p); });
    return text == nullptr ? "" : text;
  }
  const auto size = H5Tget_size(type);
  if (size == 0 || size > most_table_bytes) throw damaged("a text is too long");
  std::string text(size, '\0');
  h5::check(read(type, text.data()), "H5Dread");
  return trimmed(text.data(), size);
}

bool is_scalar(hid_t space) {
  return H5Sget_simple_extent_type(space) == H5S_SCALAR || H5Sget_simple_extent_npoints(space) == 1;
}

/// Attributes that are texts; numbers are told as text, too.
NamedTexts read_attributes(hid_t object) {
  std::vector<std::string> names;
  const auto keep = [](hid_t, const char* name, const H5A_info_t*, void* into) -> herr_t {
    static_cast<std::vector<std::string>*>(into)->emplace_back(name);
    return 0;
  };
  // In the order in which they were written; by name in a file that somebody has copied without it.
  if (H5Aiterate2(object, H5_INDEX_CRT_ORDER, H5_ITER_INC, nullptr, keep, &names) < 0) {
    names.clear();
    h5::check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names), "H5Aiterate");
  }
  NamedTexts found;
  for (const auto& name : names) {
    const h5::Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
    const h5::Handle type(H5Aget_type(attribute.get()), H5Tclose, "H5Aget_type");
    const h5::Handle space(H5Aget_space(attribute.get()), H5Sclose, "H5Aget_space");
    if (H5Tget_class(type.get()) != H5T_STRING || !is_scalar(space.get())) continue;
    found.emplace_back(
        name, read_text(type.get(), [&](hid_t memory, void* to) { return H5Aread(attribute.get(), memory, to); }));
  }
  return found;
}

/// Memory that a read column takes, a value per row, in the column's own words.
TypedColumn read_column(hid_t dataset, hid_t row, unsigned place, std::size_t rows) {
  TypedColumn column;
  char* name = H5Tget_member_name(row, place);
  if (name == nullptr) throw damaged("a column has no name");
  column.name = name;
  H5free_memory(name);
  const h5::Handle stored(H5Tget_member_type(row, place), H5Tclose, "H5Tget_member_type");
  const auto read_as = [&](hid_t type, void* values) {
    const h5::Handle memory(H5Tcreate(H5T_COMPOUND, H5Tget_size(type)), H5Tclose, "H5Tcreate");
    h5::check(H5Tinsert(memory.get(), column.name.c_str(), 0, type), "H5Tinsert");
    h5::check(H5Dread(dataset, memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "H5Dread");
  };
  switch (H5Tget_class(stored.get())) {
    case H5T_INTEGER:
      column.type = CellType::int64;
      column.integers.resize(rows);
      if (rows > 0) read_as(H5T_NATIVE_INT64, column.integers.data());
      return column;
    case H5T_FLOAT:
      column.type = CellType::float64;
      column.numbers.resize(rows);
      if (rows > 0) read_as(H5T_NATIVE_DOUBLE, column.numbers.data());
      return column;
    case H5T_ENUM: {
      if (H5Tget_size(stored.get()) != 1) throw damaged(fmt::format("column {} is no bool", column.name));
      column.type = CellType::boolean;
      std::vector<std::int8_t> values(rows);
      if (rows > 0) read_as(stored.get(), values.data());
      for (const auto value : values) {
        if (value != 0 && value != 1) throw damaged(fmt::format("column {} is no bool", column.name));
        column.integers.push_back(value);
      }
      return column;
    }
    case H5T_STRING: break;
    default: throw damaged(fmt::format("column {} is of a type that is not known", column.name));
  }
  column.type = CellType::text;
  if (rows == 0) return column;
  if (H5Tis_variable_str(stored.get()) > 0) {
    std::vector<char*> texts(rows);
    read_as(stored.get(), texts.data());
    for (char* text : texts) {
      column.texts.emplace_back(text == nullptr ? "" : text);
      H5free_memory(text);
    }
    return column;
  }
  const auto size = H5Tget_size(stored.get());
  std::vector<char> texts(rows * size);
  read_as(stored.get(), texts.data());
  for (std::size_t r = 0; r < rows; ++r) column.texts.push_back(trimmed(&texts[r * size], size));
  return column;
}

TypedTable read_table(const std::string& path, hid_t dataset, hid_t row) {
  const h5::Handle space(H5Dget_space(dataset), H5Sclose, "H5Dget_space");
  if (H5Sget_simple_extent_ndims(space.get()) != 1) throw damaged(fmt::format("{} is no table", path));
  hsize_t rows = 0;
  h5::check(H5Sget_simple_extent_dims(space.get(), &rows, nullptr), "H5Sget_simple_extent_dims");
  const auto row_bytes = H5Tget_size(row);
  if (row_bytes == 0 || rows > most_table_bytes / row_bytes) throw damaged(fmt::format("{} is too large", path));
  const h5::Handle creation(H5Dget_create_plist(dataset), H5Pclose, "H5Dget_create_plist");
  if (H5Pget_external_count(creation.get()) != 0) throw damaged(fmt::format("{} lies in another file", path));
  TypedTable table;
  table.path = path;
  for (const auto& [name, value] : read_attributes(dataset)) {
    if (name == "units") table.units = value;
  }
  const int columns = H5Tget_nmembers(row);
  for (int c = 0; c < columns; ++c) {
    table.columns.push_back(read_column(dataset, row, static_cast<unsigned>(c), rows));
  }
  return table;
}

void read_object(hid_t file, const std::string& path, TableFile& content) {
  const h5::Handle dataset(H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen");
  const h5::Handle type(H5Dget_type(dataset.get()), H5Tclose, "H5Dget_type");
  if (H5Tget_class(type.get()) == H5T_COMPOUND) {
    content.tables.push_back(read_table(path, dataset.get(), type.get()));
    return;
  }
  const h5::Handle space(H5Dget_space(dataset.get()), H5Sclose, "H5Dget_space");
  if (H5Tget_class(type.get()) != H5T_STRING || !is_scalar(space.get())) return;
  content.texts.emplace_back(path, read_text(type.get(), [&](hid_t memory, void* to) {
                               return H5Dread(dataset.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
                             }));
}

/// Names in a group; links to elsewhere are refused, since what they lead to may be a pipe.
std::vector<std::string> names_in(hid_t group, const std::string& path) {
  struct Links {
    std::vector<std::string> names;
    std::string foreign;
  } links;
  const auto keep = [](hid_t, const char* name, const H5L_info_t* info, void* into) -> herr_t {
    auto& found = *static_cast<Links*>(into);
    if (info->type != H5L_TYPE_HARD) found.foreign = name;
    found.names.emplace_back(name);
    return 0;
  };
  h5::check(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &links), "H5Literate");
  if (!links.foreign.empty() && path != "/") {
    throw damaged(fmt::format("{}/{} is a link, which is not followed", path, links.foreign));
  }
  return links.names;
}

}  // namespace

std::vector<std::byte> encoded(const TableFile& content) {
  h5::be_quiet();
  const auto access = h5::properties(H5P_FILE_ACCESS);
  h5::check(H5Pset_fapl_core(access.get(), 65536, 0), "H5Pset_fapl_core");
  h5::Handle file(H5Fcreate("paceline.h5", H5F_ACC_TRUNC, with_attributes(H5P_FILE_CREATE).get(), access.get()),
                  H5Fclose, "H5Fcreate");
  for (const auto& [name, value] : content.attributes) put_text_attribute(file.get(), name, value);
  const auto creation = with_attributes(H5P_GROUP_CREATE);
  for (const auto& [path, attributes] : content.groups) {
    const h5::Handle group(H5Gcreate2(file.get(), path.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT), H5Gclose,
                           "H5Gcreate");
    for (const auto& [name, value] : attributes) put_text_attribute(group.get(), name, value);
  }
  for (const auto& table : content.tables) put_table(file.get(), table);
  for (const auto& [path, text] : content.texts) put_text(file.get(), path, text);
  h5::check(H5Fflush(file.get(), H5F_SCOPE_LOCAL), "H5Fflush");
  const auto size = H5Fget_file_image(file.get(), nullptr, 0);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  if (bytes.empty() || H5Fget_file_image(file.get(), bytes.data(), bytes.size()) != size) {
    throw Error(ErrorKind::failure, "H5Fget_file_image failed", h5::reason());
  }
  file.close("H5Fclose");
  return bytes;
}

TableFile decoded(const std::filesystem::path& path, const std::vector<std::string>& groups) {
  h5::be_quiet();
  const auto access = h5::properties(H5P_FILE_ACCESS);
  // Locks fail on many network file systems, and nobody changes a file that others can see.
  h5::check(H5Pset_file_locking(access.get(), 0, 1), "H5Pset_file_locking");
  const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen");
  TableFile content;
  const h5::Handle root(H5Gopen2(file.get(), "/", H5P_DEFAULT), H5Gclose, "H5Gopen");
  content.names = names_in(root.get(), "/");
  content.attributes = read_attributes(root.get());
  for (const auto& name : groups) {
    if (std::find(content.names.begin(), content.names.end(), name.substr(1)) == content.names.end()) continue;
    H5L_info_t link{};
    h5::check(H5Lget_info(file.get(), name.c_str(), &link, H5P_DEFAULT), "H5Lget_info");
    if (link.type != H5L_TYPE_HARD) throw damaged(fmt::format("{} is a link, which is not followed", name));
    const h5::Handle group(H5Gopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Gclose, "H5Gopen");
    content.groups.emplace_back(name, read_attributes(group.get()));
    for (const auto& child : names_in(group.get(), name)) {
      H5O_info_t info{};
      h5::check(H5Oget_info_by_name(group.get(), child.c_str(), &info, H5P_DEFAULT), "H5Oget_info");
      if (info.type == H5O_TYPE_DATASET) read_object(file.get(), fmt::format("{}/{}", name, child), content);
    }
  }
  return content;
}

}  // namespace paceline
