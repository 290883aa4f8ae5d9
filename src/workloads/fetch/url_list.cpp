#include "workloads/fetch/url_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include <paceline/error.hpp>

#include "host/secrets.hpp"
#include "host/text.hpp"
#include "workloads/fetch/curl.hpp"

namespace paceline::fetch {
namespace {

constexpr std::string_view blank = " \t\r\n\v\f";

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

struct TextDeleter {
  void operator()(char* text) const { curl_free(text); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  const auto code = curl_url_get(url, which, &text, flags);
  const std::unique_ptr<char, TextDeleter> owned(text);
  return code == CURLUE_OK && text != nullptr ? text : "";
}

/// For a message: one line of what was given, not all of a file that is no list.
std::string shown(const std::string& url) {
  constexpr std::size_t longest = 200;
  const auto masked = without_credentials(url);
  std::string text = masked.substr(0, longest);
  for (auto& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return masked.size() > longest ? text + "..." : text;
}

}  // namespace

void check_url(const std::string& url, Files files, const std::string& where, ErrorKind kind) {
  const auto bad = [&](const std::string& why, const std::string& suggestion) {
    return Error(kind, fmt::format("{}: '{}' can't be fetched", where, shown(url)), why, suggestion);
  };
  const auto is_plain = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(url.begin(), url.end(), is_plain)) {
    throw bad("a URL can't have spaces, control characters or letters beyond ASCII", "write them as %20 and the like");
  }
  const Url parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  if (url.find("://") == std::string::npos) throw bad("it has no scheme", "start it with http:// or https://");
  if (const auto wrong = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
      wrong != CURLUE_OK) {
    throw bad(curl_url_strerror(wrong), "give a whole URL, for example https://example.org/data.csv");
  }
  const auto scheme = part(parsed.get(), CURLUPART_SCHEME);
  if (scheme == "file") {
    if (files == Files::refused) throw bad("it is a file of this machine", "add --allow-file if that is meant");
    return;
  }
  if (scheme != "http" && scheme != "https") {
    throw bad(fmt::format("{} is not among http, https and file", scheme), "fetch it by another program");
  }
}

std::vector<std::string> read_url_list(std::string_view text, Files files, const std::string& name) {
  std::vector<std::string> urls;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  for (std::int64_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto url = trimmed(text.substr(0, end), blank);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (url.empty() || url.front() == '#') continue;
    urls.emplace_back(url);
    check_url(urls.back(), files, fmt::format("line {} of {}", line, name), ErrorKind::input);
  }
  if (urls.empty()) {
    throw Error(ErrorKind::input, "there is nothing to fetch", fmt::format("{} has no URL", name), "give one per line");
  }
  return urls;
}

std::string host_of(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  const auto flags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), flags) != CURLUE_OK) return {};
  return part(parsed.get(), CURLUPART_HOST);
}

std::string file_of(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed) throw std::bad_alloc();
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  if (part(parsed.get(), CURLUPART_SCHEME) != "file") return {};
  return part(parsed.get(), CURLUPART_PATH, CURLU_URLDECODE);
}

}  // namespace paceline::fetch
