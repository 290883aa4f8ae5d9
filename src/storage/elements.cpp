#include "storage/elements.hpp"

#include <algorithm>

#include "storage/transfer.hpp"

namespace paceline {

void write_elements(const h5::Handle& dataset, std::span<const Slab> there, std::int64_t whole,
                    const Elements& elements, bool is_parallel) {
  const auto [type, count, values] = elements;
  const auto memory = h5::simple_space({unsigned_of(std::max(std::int64_t{1}, count))});
  const auto space = h5::simple_space({unsigned_of(whole)});
  const Slab here{0, count};
  h5::select(memory, {&here, 1}, {unsigned_of(count)});
  h5::select(space, there, {unsigned_of(whole)});
  const std::uint64_t none = 0;
  const h5::Transfer how(is_parallel);
  h5::check(H5Dwrite(dataset.get(), type, memory.get(), space.get(), how.list.get(), count > 0 ? values : &none),
            "H5Dwrite");
}

void read_elements(const h5::Handle& dataset, hid_t type, Slab wanted, std::int64_t whole, void* values) {
  if (wanted.empty()) return;
  const auto memory = h5::simple_space({unsigned_of(wanted.size())});
  const auto space = h5::simple_space({unsigned_of(whole)});
  h5::select(space, {&wanted, 1}, {unsigned_of(whole)});
  h5::check(H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values), "H5Dread");
}

}  // namespace paceline
