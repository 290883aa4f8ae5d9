#include "workloads/fetch/curl.hpp"

#include <fmt/format.h>

#include <new>
#include <stdexcept>

namespace paceline::fetch {
namespace {

void start_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  check_curl(code, "curl_global_init");
}

}  // namespace

void check_curl(CURLcode code, const char* call) {
  if (code != CURLE_OK) throw std::runtime_error(fmt::format("{} failed: {}", call, curl_easy_strerror(code)));
}

void check_curl(CURLMcode code, const char* call) {
  if (code != CURLM_OK) throw std::runtime_error(fmt::format("{} failed: {}", call, curl_multi_strerror(code)));
}

Easy make_easy() {
  start_curl();
  Easy easy(curl_easy_init());
  if (!easy) throw std::bad_alloc();
  return easy;
}

Multi make_multi() {
  start_curl();
  Multi multi(curl_multi_init());
  if (!multi) throw std::bad_alloc();
  return multi;
}

}  // namespace paceline::fetch
