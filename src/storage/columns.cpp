#include "storage/columns.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include <paceline/error.hpp>

#include "storage/transfer.hpp"

namespace paceline {
namespace {

/// Where the parts of a column lie that items have, from column to column.
class Cursor {
 public:
  Cursor(const ResultShape& shape, std::int64_t item, std::size_t byte_at) : shape_(shape), item_(item), at_(byte_at) {}

  /// The item's part of the next column: its first byte, and its size.
  std::pair<std::size_t, std::size_t> next(const Column& column) {
    const auto size =
        static_cast<std::size_t>(shape_.elements_of(column, {item_, item_ + 1}).size() * column.element_bytes());
    return {std::exchange(at_, at_ + size), size};
  }

 private:
  const ResultShape& shape_;
  std::int64_t item_;
  std::size_t at_;
};

std::vector<Cursor> cursors_of(const ResultShape& shape, std::span<const Run> runs) {
  std::vector<Cursor> cursors;
  for (const auto& run : runs) {
    auto at = static_cast<std::size_t>(run.byte_at);
    for (auto item = run.items.begin; item < run.items.end; ++item) {
      cursors.emplace_back(shape, item, at);
      at += shape.bytes_in({item, item + 1});
    }
  }
  return cursors;
}

/// The elements of sorted runs in the file.
std::vector<Slab> elements_of(const ResultShape& shape, const Column& column, std::span<const Run> runs) {
  std::vector<Slab> elements;
  for (const auto& run : runs) elements.push_back(shape.elements_of(column, run.items));
  return merged(elements);
}

}  // namespace

Columns::Columns(hid_t file, const ResultShape& shape, bool parallel) : shape_(&shape), parallel_(parallel) {
  for (const auto& column : shape.columns) datasets_.push_back(h5::open_dataset(file, column.path));
}

void Columns::write(std::span<const Run> runs, std::span<const std::byte> bytes) {
  auto cursors = cursors_of(*shape_, runs);
  std::vector<std::byte> packed;
  std::optional<Error> first;
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    const auto& column = shape_->columns[k];
    const auto all = shape_->elements(column);
    // Of no elements there is no place in the file either, which MPI-IO would ask for; all ranks agree on that.
    if (all == 0) continue;
    packed.clear();
    for (auto& cursor : cursors) {
      const auto [at, size] = cursor.next(column);
      packed.insert(packed.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
    }
    // A rank whose write fails must still take part in those that follow, or the others wait for it.
    try {
      const auto elements = elements_of(*shape_, column, runs);
      const auto count = total_items(elements);
      packed.resize(std::max(packed.size(), static_cast<std::size_t>(column.element_bytes())));
      const auto memory = h5::simple_space({unsigned_of(std::max(std::int64_t{1}, count))});
      const auto space = h5::simple_space({unsigned_of(all)});
      const Slab whole{0, count};
      h5::select(memory, {&whole, 1}, {unsigned_of(count)});
      h5::select(space, elements, {unsigned_of(all)});
      const h5::Transfer how(parallel_);
      h5::check(H5Dwrite(datasets_[k].get(), h5::native_type(column.type, column.width).get(), memory.get(),
                         space.get(), how.list.get(), packed.data()),
                "H5Dwrite");
      if (parallel_) io_mode_ = how.mode();
    } catch (const Error& error) {
      if (!first) first = error;
    }
  }
  if (first) throw Error(*first);
}

void Columns::read(Slab items, std::span<std::byte> bytes) const {
  const Run run{items, 0, 0};
  auto cursors = cursors_of(*shape_, {&run, 1});
  std::vector<std::byte> packed;
  for (std::size_t k = 0; k < datasets_.size(); ++k) {
    const auto& column = shape_->columns[k];
    const auto elements = shape_->elements_of(column, items);
    packed.resize(static_cast<std::size_t>(elements.size() * column.element_bytes()));
    if (!elements.empty()) {
      const auto memory = h5::simple_space({unsigned_of(elements.size())});
      const auto space = h5::simple_space({unsigned_of(shape_->elements(column))});
      h5::select(space, {&elements, 1}, {unsigned_of(shape_->elements(column))});
      h5::check(H5Dread(datasets_[k].get(), h5::native_type(column.type, column.width).get(), memory.get(), space.get(),
                        H5P_DEFAULT, packed.data()),
                "H5Dread");
    }
    std::size_t from = 0;
    for (auto& cursor : cursors) {
      const auto [at, size] = cursor.next(column);
      if (size > 0) std::memcpy(&bytes[at], &packed[from], size);
      from += size;
    }
  }
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
