// What tests of pools have in common.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <paceline/pool.hpp>

#include "support.hpp"

namespace paceline::test {

/// Returns when the file is there.
inline int waits_for(const std::string& path) {
  while (!std::filesystem::exists(path)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return 1;
}

/// `body` on rank 0 of a pool with so many threads per rank; the other ranks work.
template <class Body>
void with_pool(const PoolOptions& options, const Body& body) {
  Pool pool(Comm::world(), options);
  if (pool.is_driver()) body(pool);
}
template <class Body>
void with_pools(const Body& body) {
  for (const int threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    with_pool({.threads = threads}, body);
  }
}

inline bool says(const TaskError& error, const std::string& part) {
  return std::string(error.what()).find(part) != std::string::npos;
}

}  // namespace paceline::test
