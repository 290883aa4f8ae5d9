#include "workloads/fetch/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace paceline::fetch {
namespace {

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the same on every machine.
std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// In [0, 1).
double uniform(std::uint64_t seed, std::uint64_t url, int failed) {
  const auto bits = scrambled(scrambled(scrambled(seed) + url) + static_cast<std::uint64_t>(failed));
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: return true;
    default: return false;
  }
}

bool may_pass(int status) { return status == 408 || status == 429 || (status >= 500 && status < 600); }

std::optional<double> wait_before_retry(const Settings& settings, std::uint64_t url, int failed, double asked_s) {
  if (failed > settings.retries || asked_s > settings.longest_wait_s) return std::nullopt;
  const auto full = std::min(std::ldexp(settings.backoff_s, std::min(failed, 64) - 1), settings.longest_wait_s);
  return std::max(asked_s, full * (0.5 + 0.5 * uniform(settings.seed, url, failed)));
}

}  // namespace paceline::fetch
