// Whether a failed attempt is repeated, and when.
#pragma once

#include <cstdint>
#include <optional>

#include "workloads/fetch/curl.hpp"
#include "workloads/fetch/download.hpp"

namespace paceline::fetch {

/// Faults that may be gone the next time: time-outs, resets, names and hosts that don't answer.
bool may_pass(CURLcode code);
/// Answers that a server takes back later: 408, 429 and all of 5xx.
bool may_pass(int status);

/// Seconds to wait before another attempt after `failed` of them (1 and more): exponential back-off with "equal
/// jitter", between half of it and all (M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015), the
/// same for the same seed, URL and attempt. `asked_s`: what the server wants at least, 0 if it said nothing. Nothing:
/// there is no further attempt.
std::optional<double> wait_before_retry(const Settings& settings, std::uint64_t url, int failed, double asked_s);

}  // namespace paceline::fetch
