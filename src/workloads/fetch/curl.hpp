// libcurl's handles, owned; curl.h is included here alone.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <utility>

namespace paceline::fetch {

struct CurlDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, CurlDeleter>;

struct MultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using Multi = std::unique_ptr<CURLM, MultiDeleter>;

/// Throws std::runtime_error that names the call, unless all is well.
void check_curl(CURLcode code, const char* call);
void check_curl(CURLMcode code, const char* call);

/// The first one starts libcurl, once a process.
Easy make_easy();
Multi make_multi();

template <class T>
void set(CURL* easy, CURLoption option, T value) {
  check_curl(curl_easy_setopt(easy, option, value), "curl_easy_setopt");
}

}  // namespace paceline::fetch
