// How rows go between memory and datasets, for all parts of a result file.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

#include "storage/h5.hpp"
#include "storage/structure.hpp"

namespace paceline::h5 {

/// Properties of a read or write; `collective`: all ranks of the file take part.
struct Transfer {
  Handle list = properties(H5P_DATASET_XFER);
  explicit Transfer(bool collective) {
    // ROMIO tells of a failed write only the rank where it failed. That rank then leaves HDF5's collective write before
    // its last MPI call, in which the others would wait forever.
#ifdef ROMIO_VERSION
    const auto mode = H5FD_MPIO_INDEPENDENT;
#else
    const auto mode = H5FD_MPIO_COLLECTIVE;
#endif
    if (collective) check(H5Pset_dxpl_mpio(list.get(), mode), "H5Pset_dxpl_mpio");
  }
  /// How a parallel write went: "collective", "independent" or "mixed".
  [[nodiscard]] std::string mode() const {
    H5D_mpio_actual_io_mode_t mode = H5D_MPIO_NO_COLLECTIVE;
    check(H5Pget_mpio_actual_io_mode(list.get(), &mode), "H5Pget_mpio_actual_io_mode");
    if (mode == H5D_MPIO_NO_COLLECTIVE) return "independent";
    const bool is_whole = mode == H5D_MPIO_CONTIGUOUS_COLLECTIVE || mode == H5D_MPIO_CHUNK_COLLECTIVE;
    return is_whole ? "collective" : "mixed";
  }
};

/// Selects slabs of the first dimension of a dataspace whose other dimensions are taken whole.
inline void select(const Handle& space, std::span<const Slab> slabs, const std::vector<hsize_t>& dims) {
  auto op = H5S_SELECT_SET;
  for (const auto& slab : slabs) {
    if (slab.empty()) continue;
    std::vector<hsize_t> start(dims.size(), 0);
    auto count = dims;
    start[0] = unsigned_of(slab.begin);
    count[0] = unsigned_of(slab.size());
    check(H5Sselect_hyperslab(space.get(), op, start.data(), nullptr, count.data(), nullptr), "H5Sselect_hyperslab");
    op = H5S_SELECT_OR;
  }
  if (op == H5S_SELECT_SET) check(H5Sselect_none(space.get()), "H5Sselect_none");
}

}  // namespace paceline::h5
