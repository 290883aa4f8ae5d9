#include "storage/columns.hpp"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <optional>

#include <paceline/error.hpp>

#include "storage/transfer.hpp"
#include "storage/variable_values.hpp"

namespace paceline {
namespace {

/// The rows of sorted items, those that touch as one.
std::vector<Slab> rows_of(const ResultShape& shape, const std::vector<Slab>& items) {
  std::vector<Slab> rows;
  for (const auto& slab : merged(items)) rows.push_back(shape.rows_of(slab));
  return merged(rows);
}

/// Texts end with a 0 in HDF5's memory, byte strings have a length.
std::vector<const char*> with_ends(std::span<const std::string_view> texts, std::vector<char>& pool) {
  std::size_t total = 0;
  for (const auto& text : texts) total += text.size() + 1;
  pool.clear();
  pool.reserve(total);
  std::vector<const char*> pointers;
  for (const auto& text : texts) {
    pointers.push_back(pool.data() + pool.size());
    pool.insert(pool.end(), text.begin(), text.end());
    pool.push_back(0);
  }
  return pointers;
}

}  // namespace

Columns::Columns(hid_t file, const ResultShape& shape, bool parallel) : shape_(&shape), parallel_(parallel) {
  for (const auto& column : shape.columns) datasets_.push_back(h5::open_dataset(file, column.path));
}

std::string Columns::mismatch() const {
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    const auto& column = shape_->columns[k];
    const h5::Handle space(H5Dget_space(datasets_[k].get()), H5Sclose, "H5Dget_space");
    const auto rows = H5Sget_simple_extent_npoints(space.get());
    if (H5Sget_simple_extent_ndims(space.get()) != 1 || rows != shape_->rows()) {
      return fmt::format("{} has {} rows there and {} here", column.path, rows, shape_->rows());
    }
    const h5::Handle type(H5Dget_type(datasets_[k].get()), H5Tclose, "H5Dget_type");
    if (H5Tequal(type.get(), h5::stored_copy(column.type).get()) <= 0) {
      return fmt::format("{} has another type", column.path);
    }
  }
  return {};
}

std::size_t Columns::width(std::size_t column) const {
  return static_cast<std::size_t>(bytes_of(shape_->columns[column].type));
}

void Columns::write(std::span<const Run> runs, std::span<const std::byte> bytes) {
  // Of no rows there is no place in the file either, which MPI-IO would ask for; all ranks agree on that.
  if (shape_->rows() == 0) return;
  std::vector<Slab> slabs;
  for (const auto& run : runs) slabs.push_back(run.items);
  const auto rows = rows_of(*shape_, slabs);
  const auto count = static_cast<std::size_t>(total_items(rows));
  const auto each = static_cast<std::size_t>(shape_->bytes_per_item());
  std::vector<std::byte> packed;
  std::optional<Error> first;
  std::size_t before = 0;  // bytes of a row in the columns before
  for (std::size_t k = 0; k < datasets_.size(); before += width(k++)) {
    // A rank whose write fails must still take part in those that follow, or the others wait for it.
    try {
      packed.resize(std::max(std::size_t{1}, count) * width(k));
      std::size_t at = 0;
      for (const auto& run : runs) {
        for (auto item = run.items.begin; item < run.items.end; ++item) {
          const auto here = static_cast<std::size_t>(shape_->rows_of({item, item + 1}).size());
          const auto place = static_cast<std::size_t>(run.at + item - run.items.begin) * each;
          if (here > 0) std::memcpy(&packed[at], &bytes[place + before * here], here * width(k));
          at += here * width(k);
        }
      }
      const auto memory = h5::simple_space({std::max(hsize_t{1}, hsize_t{count})});
      const auto space = h5::simple_space({unsigned_of(shape_->rows())});
      const Slab all{0, static_cast<std::int64_t>(count)};
      h5::select(memory, {&all, 1}, {count});
      h5::select(space, rows, {unsigned_of(shape_->rows())});
      const h5::Transfer how(parallel_);
      h5::check(H5Dwrite(datasets_[k].get(), h5::native_type(shape_->columns[k].type), memory.get(), space.get(),
                         how.list.get(), packed.data()),
                "H5Dwrite");
      if (parallel_) io_mode_ = how.mode();
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  if (first) throw Error(*first);
}

void Columns::read(Slab items, std::span<std::byte> bytes) const {
  const auto rows = shape_->rows_of(items);
  if (rows.empty()) return;
  const auto each = static_cast<std::size_t>(shape_->bytes_per_item());
  const auto memory = h5::simple_space({unsigned_of(rows.size())});
  const auto space = h5::simple_space({unsigned_of(shape_->rows())});
  h5::select(space, {&rows, 1}, {unsigned_of(shape_->rows())});
  std::vector<std::byte> packed;
  std::size_t before = 0;
  for (std::size_t k = 0; k < datasets_.size(); before += width(k++)) {
    packed.resize(static_cast<std::size_t>(rows.size()) * width(k));
    h5::check(H5Dread(datasets_[k].get(), h5::native_type(shape_->columns[k].type), memory.get(), space.get(),
                      H5P_DEFAULT, packed.data()),
              "H5Dread");
    std::size_t at = 0;
    for (auto item = items.begin; item < items.end; ++item) {
      const auto here = static_cast<std::size_t>(shape_->rows_of({item, item + 1}).size());
      const auto place = static_cast<std::size_t>(item - items.begin) * each;
      if (here > 0) std::memcpy(&bytes[place + before * here], &packed[at], here * width(k));
      at += here * width(k);
    }
  }
}

void Columns::write(std::span<const Parcel> parcels) {
  std::vector<Slab> items;
  std::vector<ParcelView> views;
  for (const auto& parcel : parcels) {
    items.push_back({parcel.item, parcel.item + 1});
    views.emplace_back(*shape_, shape_->rows_of(items.back()).size(), parcel.bytes);
  }
  const auto rows = rows_of(*shape_, items);
  const auto count = static_cast<std::size_t>(total_items(rows));
  if (count == 0) return;
  const auto memory = h5::simple_space({count});
  const auto space = h5::simple_space({unsigned_of(shape_->rows())});
  h5::select(space, rows, {unsigned_of(shape_->rows())});
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    const auto type = shape_->columns[k].type;
    if (is_variable(type)) {
      write_variable(k, rows, views, count);
      continue;
    }
    std::vector<std::byte> packed;
    for (const auto& view : views) packed.insert(packed.end(), view.fixed(k).begin(), view.fixed(k).end());
    h5::check(
        H5Dwrite(datasets_[k].get(), h5::native_type(type), memory.get(), space.get(), H5P_DEFAULT, packed.data()),
        "H5Dwrite");
  }
}

void Columns::write_variable(std::size_t column, std::span<const Slab> rows, std::span<const ParcelView> views,
                             std::size_t count) {
  const auto memory = h5::simple_space({count});
  const auto space = h5::simple_space({unsigned_of(shape_->rows())});
  h5::select(space, rows, {unsigned_of(shape_->rows())});
  std::vector<std::string_view> texts;
  for (const auto& view : views) texts.insert(texts.end(), view.texts(column).begin(), view.texts(column).end());
  const auto type = h5::native_copy(shape_->columns[column].type);
  const auto put = [&](const void* data) {
    h5::check(H5Dwrite(datasets_[column].get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, data), "H5Dwrite");
  };
  if (shape_->columns[column].type == ElementType::text) {
    std::vector<char> pool;
    put(with_ends(texts, pool).data());
  } else {
    std::vector<hvl_t> elements;
    for (const auto& text : texts) elements.push_back({text.size(), const_cast<char*>(text.data())});
    put(elements.data());
  }
}

void Columns::read_variable(std::size_t column, Slab rows, ParcelWriter& writer) const {
  const auto memory = h5::simple_space({unsigned_of(rows.size())});
  const auto space = h5::simple_space({unsigned_of(shape_->rows())});
  h5::select(space, {&rows, 1}, {unsigned_of(shape_->rows())});
  auto values = std::make_shared<VariableValues>(shape_->columns[column].type, static_cast<std::size_t>(rows.size()));
  h5::check(H5Dread(datasets_[column].get(), values->type(), memory.get(), space.get(), H5P_DEFAULT, values->data()),
            "H5Dread");
  writer.add_later(column, values->sizes(), [values](std::vector<std::byte>& parcel) { values->append_to(parcel); });
}

ParcelWriter Columns::read_parcel(std::int64_t item) const {
  const auto rows = shape_->rows_of({item, item + 1});
  ParcelWriter writer(*shape_);
  if (rows.empty()) return writer;
  const auto memory = h5::simple_space({unsigned_of(rows.size())});
  const auto space = h5::simple_space({unsigned_of(shape_->rows())});
  h5::select(space, {&rows, 1}, {unsigned_of(shape_->rows())});
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    const auto type = shape_->columns[k].type;
    if (is_variable(type)) {
      read_variable(k, rows, writer);
      continue;
    }
    std::vector<std::byte> values(static_cast<std::size_t>(rows.size()) * width(k));
    h5::check(H5Dread(datasets_[k].get(), h5::native_type(type), memory.get(), space.get(), H5P_DEFAULT, values.data()),
              "H5Dread");
    writer.add_values(k, values);
  }
  return writer;
}

std::vector<Slab> Columns::references(Slab items) const {
  const auto rows = shape_->rows_of(items);
  std::vector<Slab> places;
  if (rows.empty()) return places;
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    if (!is_variable(shape_->columns[k].type)) continue;
    const auto begin = H5Dget_offset(datasets_[k].get());
    if (begin == HADDR_UNDEF) throw Error(ExitCode::failure, "H5Dget_offset failed", h5::reason());
    const auto each = static_cast<std::int64_t>(H5Dget_storage_size(datasets_[k].get())) / shape_->rows();
    const auto first = static_cast<std::int64_t>(begin);
    places.push_back({first + rows.begin * each, first + rows.end * each});
  }
  return places;
}

void Columns::close() {
  std::optional<Error> first;
  for (auto& dataset : datasets_) {
    try {
      dataset.close("H5Dclose");
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  if (first) throw Error(*first);
}

}  // namespace paceline
