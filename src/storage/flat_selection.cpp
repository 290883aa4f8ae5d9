#include "storage/flat_selection.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "storage/h5.hpp"

namespace paceline::h5 {
namespace {

/// Adds blocks that together are `elements` of the sub-array below `prefix`: what is left of a first row, whole rows,
/// and the beginning of a last one.
class FlatSelection {
 public:
  FlatSelection(hid_t space, std::span<const hsize_t> extents)
      : space_(space), extents_(extents), start_(extents.size(), 0), count_(extents.size(), 1) {}

  void add(std::size_t dimension, Slab elements) {
    if (elements.empty()) return;
    std::int64_t row = 1;
    for (std::size_t d = dimension + 1; d < extents_.size(); ++d) row *= static_cast<std::int64_t>(extents_[d]);
    const auto first = elements.begin / row, last = elements.end / row;
    if (dimension + 1 == extents_.size()) return block(dimension, elements);
    if (first == last) return inner(dimension, first, {elements.begin - first * row, elements.end - first * row});
    const auto whole = elements.begin % row == 0 ? first : first + 1;
    if (whole != first) inner(dimension, first, {elements.begin - first * row, row});
    if (whole < last) block(dimension, {whole, last});
    inner(dimension, last, {0, elements.end - last * row});
  }

 private:
  void inner(std::size_t dimension, std::int64_t row, Slab elements) {
    start_[dimension] = static_cast<hsize_t>(row);
    count_[dimension] = 1;
    add(dimension + 1, elements);
  }

  /// `rows` of a dimension, whole in those behind it.
  void block(std::size_t dimension, Slab rows) {
    start_[dimension] = static_cast<hsize_t>(rows.begin);
    count_[dimension] = static_cast<hsize_t>(rows.size());
    for (auto d = dimension + 1; d < extents_.size(); ++d) {
      start_[d] = 0;
      count_[d] = extents_[d];
    }
    check(H5Sselect_hyperslab(space_, operator_, start_.data(), nullptr, count_.data(), nullptr),
          "H5Sselect_hyperslab");
    operator_ = H5S_SELECT_OR;
  }

  hid_t space_;
  std::span<const hsize_t> extents_;
  std::vector<hsize_t> start_, count_;
  H5S_seloper_t operator_ = H5S_SELECT_SET;
};

}  // namespace

void select_flat(hid_t space, std::span<const hsize_t> extents, std::span<const Slab> slabs) {
  const bool is_none = std::all_of(slabs.begin(), slabs.end(), [](const Slab& slab) { return slab.empty(); });
  if (is_none) return check(H5Sselect_none(space), "H5Sselect_none");
  if (extents.empty()) return check(H5Sselect_all(space), "H5Sselect_all");
  FlatSelection selection(space, extents);
  for (const auto& slab : slabs) selection.add(0, slab);
}

}  // namespace paceline::h5
