// HDF5 handles that close themselves, and return codes that turn into errors with HDF5's own reason.
#pragma once

#include <hdf5.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/result_shape.hpp"

namespace paceline::h5 {

/// Any HDF5 identifier; closed by its own function. Must be gone before MPI is finalised.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  /// Throws Error (failure) naming `call` when `id` is invalid.
  Handle(hid_t id, Close closer, const char* call);
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] hid_t get() const { return id_; }
  /// Never closes.
  void leave() { id_ = -1; }
  /// Closes now, so that an error can be told.
  void close(const char* call);

 private:
  hid_t id_ = -1;
  Close close_ = nullptr;
};

/// Throws Error (failure) naming `call`, with the innermost reason that HDF5 knows.
void check(herr_t code, const char* call);
/// The innermost reason of the last failed call, for example "No space left on device".
std::string reason();
/// HDF5 prints nothing by itself: users read our sentences.
void be_quiet();

/// As it lies in the file: little-endian. `width`: bytes of a text.
Handle stored_type(ElementType type, std::int64_t width);
/// The same in memory.
Handle native_type(ElementType type, std::int64_t width);

/// UTF-8 text of `size` bytes, padded with NUL.
Handle text_type(std::size_t size = H5T_VARIABLE);
Handle simple_space(const std::vector<hsize_t>& dims);
Handle open_dataset(hid_t file, const std::string& path);
/// Property list; `kind` is for example H5P_DATASET_XFER.
Handle properties(hid_t kind);
/// Scalar attributes; a text is UTF-8 of a fixed length, so that a damaged file can't send its reader anywhere.
/// Collective on a file opened by several ranks.
void set_attribute(hid_t object, const std::string& name, const AttributeValue& value);
/// Throws Error (failure) when it is missing or of another kind than expected.
AttributeValue get_attribute(hid_t object, const std::string& name, const AttributeValue& like);

}  // namespace paceline::h5
