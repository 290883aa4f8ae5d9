// Elements of a dataset of any shape by their number in row-major order.
#pragma once

#include <hdf5.h>

#include <span>

#include <paceline/slab.hpp>

namespace paceline::h5 {

/// Selects elements of a simple dataspace of these extents; none of empty slabs. HDF5 takes them in that order whatever
/// the order of the slabs, which do not overlap. Throws Error (failure).
void select_flat(hid_t space, std::span<const hsize_t> extents, std::span<const Slab> slabs);

}  // namespace paceline::h5
