// Numbers of datasets of one dimension, and errors that wait until a rank has taken part in every call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <paceline/error.hpp>
#include <paceline/slab.hpp>

#include "storage/h5.hpp"

namespace paceline {

/// Calls `action`; its error is kept unless there is one already.
template <class Action>
void keep_first(std::optional<Error>& first, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    if (!first) first = error;
  }
}

/// Elements that follow each other in memory.
struct Elements {
  hid_t type = -1;
  std::int64_t count = 0;
  const void* values = nullptr;
};

/// To slabs of a dataset of `whole` elements. Collective where the file is. Throws Error (failure).
void write_elements(const h5::Handle& dataset, std::span<const Slab> there, std::int64_t whole,
                    const Elements& elements, bool is_parallel);

/// Not collective. Throws Error (failure).
void read_elements(const h5::Handle& dataset, hid_t type, Slab wanted, std::int64_t whole, void* values);
template <class T>
std::vector<T> read_elements(const h5::Handle& dataset, hid_t type, Slab wanted, std::int64_t whole) {
  std::vector<T> values(static_cast<std::size_t>(wanted.size()));
  read_elements(dataset, type, wanted, whole, values.data());
  return values;
}

}  // namespace paceline
