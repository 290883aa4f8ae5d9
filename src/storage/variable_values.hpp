// Values of a variable column in memory that HDF5 gives, and takes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "storage/h5.hpp"
#include "storage/transfer.hpp"

namespace paceline {

/// To be read into, once.
class VariableValues {
 public:
  VariableValues(ElementType type, std::size_t count)
      : is_text_(type == ElementType::text),
        type_(h5::native_copy(type)),
        space_(h5::simple_space({count})),
        texts_(is_text_ ? count : 0, nullptr),
        sequences_(is_text_ ? 0 : count, hvl_t{0, nullptr}) {}
  VariableValues(const VariableValues&) = delete;
  VariableValues& operator=(const VariableValues&) = delete;
  ~VariableValues() { H5Dvlen_reclaim(type_.get(), space_.get(), H5P_DEFAULT, data()); }

  /// Of a value in memory; data() has room for as many as there are.
  [[nodiscard]] hid_t type() const { return type_.get(); }
  [[nodiscard]] void* data() {
    return is_text_ ? static_cast<void*>(texts_.data()) : static_cast<void*>(sequences_.data());
  }
  /// Bytes of each.
  [[nodiscard]] std::vector<std::uint64_t> sizes() const {
    std::vector<std::uint64_t> sizes;
    for (const auto* text : texts_) sizes.push_back(text == nullptr ? 0 : std::strlen(text));
    for (const auto& sequence : sequences_) sizes.push_back(sequence.len);
    return sizes;
  }
  /// All of them, one behind the other.
  void append_to(std::vector<std::byte>& bytes) const {
    const auto append = [&](const void* data, std::size_t size) {
      const auto* begin = static_cast<const std::byte*>(data);
      if (size > 0) bytes.insert(bytes.end(), begin, begin + size);
    };
    for (const auto* text : texts_) append(text, text == nullptr ? 0 : std::strlen(text));
    for (const auto& sequence : sequences_) append(sequence.p, sequence.len);
  }

 private:
  bool is_text_;
  h5::Handle type_, space_;
  std::vector<char*> texts_;
  std::vector<hvl_t> sequences_;
};

}  // namespace paceline
