// Elements of a dataset of any shape by their number in row-major order.
#pragma once

#include <hdf5.h>

#include <span>

#include <paceline/slab.hpp>

namespace paceline::h5 {

/// Selects `elements` of a simple dataspace of these extents; empty: none. HDF5 then takes them in that order. Throws
/// Error (failure).
void select_flat(hid_t space, std::span<const hsize_t> extents, Slab elements);

}  // namespace paceline::h5
