// A download as plain values: how it is to be done, and what came of it.
#pragma once

#include <cstdint>
#include <string>

#include "workloads/fetch/body.hpp"

namespace paceline::fetch {

struct Settings {
  int connections = 1;    ///< at most, at a time
  double timeout_s = 30;  ///< of an attempt, from its start to its last byte
  double connect_timeout_s = 10;
  int retries = 3;             ///< attempts after the first
  double backoff_s = 0.5;      ///< wait before the first of them; it doubles with each
  double longest_wait_s = 60;  ///< a server that asks for more, by Retry-After, is not asked again
  int redirects = 10;          ///< followed for one URL
  std::uint64_t seed = 0;      ///< of the waits' random part
  std::string ca_file;         ///< certificates to trust; empty: those of the system
  std::int64_t largest_body = std::int64_t{512} << 20;  ///< bytes
};

constexpr bool is_failure(int status) { return status == 0 || status >= 400; }

/// What is recorded of a URL. The same whoever fetched it, as long as its server answers the same.
struct Answer {
  int status = 0;     ///< of HTTP, after redirects; 200 for a file; 0: no whole answer came, and `error` says why
  Body body;          ///< empty if no whole answer came
  std::string error;  ///< without times, ports and the like, which would differ from run to run
  int attempts = 0;

  [[nodiscard]] bool is_failure() const { return fetch::is_failure(status); }
};

}  // namespace paceline::fetch
