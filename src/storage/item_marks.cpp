#include "storage/item_marks.hpp"

#include <paceline/digest.hpp>

#include "storage/elements.hpp"
#include "storage/structure.hpp"

namespace paceline {
namespace {

std::uint64_t digest_of_origin(std::int64_t item, const ItemOrigin& origin) {
  struct {
    double seconds;
    std::int32_t rank, thread;
  } plain{origin.seconds, origin.rank, origin.thread};
  return item_digest(item, std::as_bytes(std::span(&plain, 1)));
}

}  // namespace

ItemMarks::ItemMarks(hid_t file, const ResultShape& shape, bool parallel) : parallel_(parallel), items_(shape.items()) {
  const auto open = [&](const std::string& name) { return h5::open_dataset(file, name); };
  digests_ = open(item_digests_path);
  finished_ = open(finished_flags_path);
  if (!shape.origins.empty()) {
    seconds_ = open(shape.origins + "/seconds");
    rank_ = open(shape.origins + "/rank");
    thread_ = open(shape.origins + "/thread");
    origin_digests_ = open(origin_digests_path);
  }
  if (shape.variable) {
    begins_ = open(shape.variable->begin_path);
    sizes_ = open(shape.variable->size_path);
  }
}

void ItemMarks::write(std::span<const Run> runs, std::span<const ItemMark> marks, std::optional<Error>& first) {
  const auto each = [&]<class T>(const h5::Handle& dataset, hid_t type, T /*zero*/, std::span<const Run> some,
                                 auto value) {
    std::vector<T> values;
    std::vector<Slab> there;
    for (const auto& run : some) {
      there.push_back(run.items);
      for (std::int64_t i = 0; i < run.items.size(); ++i) {
        values.push_back(value(run.items.begin + i, marks[static_cast<std::size_t>(run.at + i)]));
      }
    }
    keep_first(first, [&] {
      write_elements(dataset, there, items_, {type, std::ssize(values), values.data()}, parallel_);
    });
  };
  if (begins_.get() >= 0) {
    each(begins_, H5T_NATIVE_INT64, std::int64_t{}, runs, [](auto, const ItemMark& mark) { return mark.begin; });
    each(sizes_, H5T_NATIVE_INT64, std::int64_t{}, runs, [](auto, const ItemMark& mark) { return mark.size; });
  }
  if (seconds_.get() >= 0) {
    each(seconds_, H5T_NATIVE_DOUBLE, double{}, runs, [](auto, const ItemMark& mark) { return mark.origin.seconds; });
    each(rank_, H5T_NATIVE_INT32, std::int32_t{}, runs, [](auto, const ItemMark& mark) { return mark.origin.rank; });
    each(thread_, H5T_NATIVE_INT32, std::int32_t{}, runs,
         [](auto, const ItemMark& mark) { return mark.origin.thread; });
    each(origin_digests_, H5T_NATIVE_UINT64, std::uint64_t{}, runs,
         [](std::int64_t item, const ItemMark& mark) { return digest_of_origin(item, mark.origin); });
  }
  each(digests_, H5T_NATIVE_UINT64, std::uint64_t{}, runs, [](auto, const ItemMark& mark) { return mark.digest; });
  // Last the flags. An item that could not be written is not flagged.
  const auto flagged = first ? std::span<const Run>{} : runs;
  each(finished_, H5T_NATIVE_UINT8, std::uint8_t{}, flagged, [](auto, const ItemMark&) { return std::uint8_t{1}; });
}

std::vector<ItemMark> ItemMarks::read(Slab items) const {
  std::vector<ItemMark> marks(static_cast<std::size_t>(items.size()));
  const auto each = [&]<class T>(const h5::Handle& dataset, hid_t type, T /*zero*/, auto take) {
    const auto values = read_elements<T>(dataset, type, items, items_);
    for (std::size_t i = 0; i < values.size(); ++i) take(i, values[i]);
  };
  each(digests_, H5T_NATIVE_UINT64, std::uint64_t{}, [&](auto i, auto value) { marks[i].digest = value; });
  if (begins_.get() >= 0) {
    each(begins_, H5T_NATIVE_INT64, std::int64_t{}, [&](auto i, auto value) { marks[i].begin = value; });
    each(sizes_, H5T_NATIVE_INT64, std::int64_t{}, [&](auto i, auto value) { marks[i].size = value; });
  }
  if (seconds_.get() >= 0) {
    each(seconds_, H5T_NATIVE_DOUBLE, double{}, [&](auto i, auto value) { marks[i].origin.seconds = value; });
    each(rank_, H5T_NATIVE_INT32, std::int32_t{}, [&](auto i, auto value) { marks[i].origin.rank = value; });
    each(thread_, H5T_NATIVE_INT32, std::int32_t{}, [&](auto i, auto value) { marks[i].origin.thread = value; });
    each(origin_digests_, H5T_NATIVE_UINT64, std::uint64_t{}, [&](auto i, auto value) {
      const auto item = items.begin + static_cast<std::int64_t>(i);
      if (value != digest_of_origin(item, marks[i].origin)) marks[i].digest = 0;
    });
  }
  each(finished_, H5T_NATIVE_UINT8, std::uint8_t{}, [&](auto i, auto flag) {
    if (flag != 1) marks[i].digest = 0;
  });
  return marks;
}

void ItemMarks::close() {
  std::optional<Error> first;
  for (auto* dataset : {&digests_, &finished_, &seconds_, &rank_, &thread_, &origin_digests_, &begins_, &sizes_}) {
    if (dataset->get() < 0) continue;
    keep_first(first, [&] { dataset->close("closing an object"); });
  }
  if (first) throw Error(*first);
}

}  // namespace paceline
