#include "workloads/fetch/transfer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <utility>

#include <re2/re2.h>

#include "host/secrets.hpp"
#include "workloads/fetch/backoff.hpp"
#include "workloads/fetch/url_list.hpp"

namespace paceline::fetch {
namespace {

long milliseconds(double seconds) { return std::max(1L, std::lround(seconds * 1e3)); }

/// The variable of the environment whose proxy is the host that a reason speaks of; empty: none is.
std::string proxy_in(const std::string& reason) {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == 0) continue;
    const auto host = host_of(value);
    if (!host.empty() && reason.find(host) != std::string::npos) return name;
  }
  return {};
}

}  // namespace

Clock::duration seconds_long(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Transfer::Transfer(std::string url, std::uint64_t number, const Settings& settings, Budget& budget)
    : url_(std::move(url)),
      number_(number),
      settings_(settings),
      budget_(budget),
      easy_(make_easy()),
      file_(file_of(url_)) {
  set_options();
}

Transfer::~Transfer() {
  set_paused(std::nullopt);
  drop_body();
}

void Transfer::set_options() {
  auto* easy = easy_.get();
  set(easy, CURLOPT_URL, url_.c_str());
  set(easy, CURLOPT_WRITEFUNCTION, &Transfer::receive);
  set(easy, CURLOPT_WRITEDATA, this);
  reason_.resize(CURL_ERROR_SIZE);
  set(easy, CURLOPT_ERRORBUFFER, reason_.data());
  set(easy, CURLOPT_USERAGENT, "paceline/" PACELINE_VERSION);
  // Kinds of URLs were checked; a redirect never leads to a file.
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
  set(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 1L);
  set(easy, CURLOPT_MAXREDIRS, static_cast<long>(settings_.redirects));
  // Refuses what says that it is larger; add() sees to what doesn't.
  set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(settings_.largest_body));
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(std::min(settings_.connect_timeout_s, settings_.timeout_s)));
  if (!settings_.ca_file.empty()) set(easy, CURLOPT_CAINFO, settings_.ca_file.c_str());
  // Signals belong to the process; a name that is being looked up holds up nobody who has given up on it.
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);
}

/// What its attempt will hold. 0 of none, and of one that is too large, which libcurl refuses.
std::int64_t Transfer::file_bytes() const {
  std::error_code code;
  const auto size = std::filesystem::file_size(file_, code);
  return code || size > static_cast<std::uintmax_t>(settings_.largest_body) ? 0 : static_cast<std::int64_t>(size);
}

bool Transfer::may_begin() const {
  if (file_.empty() || (budget_.held == 0 && budget_.finished() == 0)) return true;
  return budget_.allows(this, 0, file_bytes(), Budget::Length::announced);
}

std::optional<Answer> Transfer::begin(Time now) {
  ++attempts_;
  reason_.front() = 0;
  set(easy_.get(), CURLOPT_FRESH_CONNECT, wants_fresh_ ? 1L : 0L);
  deadline_ = now + seconds_long(settings_.timeout_s);
  std::error_code code;
  // Opening a pipe would wait for whoever writes to it.
  if (!file_.empty() && !std::filesystem::is_regular_file(file_, code)) {
    return Answer{0, {}, "there is no such file, or not a regular file", attempts_};
  }
  if (!file_.empty()) {
    announced_ = file_bytes();
    count(announced_);
  }
  return std::nullopt;
}

void Transfer::set_paused(std::optional<Time> at) {
  budget_.paused += (at ? 1 : 0) - (paused_at_ ? 1 : 0);
  paused_at_ = at;
}

bool Transfer::go_on(Time now) {
  deadline_ += now - *paused_at_;
  set_paused(std::nullopt);
  return curl_easy_pause(easy_.get(), CURLPAUSE_CONT) == CURLE_OK;
}

std::size_t Transfer::receive(const char* data, std::size_t /*one*/, std::size_t size, void* transfer) {
  try {
    return static_cast<Transfer*>(transfer)->add(data, size);
  } catch (const std::bad_alloc&) {
    // Through C code no exception finds its way.
    static_cast<Transfer*>(transfer)->is_too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
}

std::size_t Transfer::add(const char* data, std::size_t size) {
  const auto more = static_cast<std::int64_t>(size);
  if (static_cast<std::int64_t>(body_.size()) + more > settings_.largest_body) {
    is_too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  if (body_.size() == 0 && file_.empty()) {
    curl_off_t length = 0;
    check_curl(curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length), "curl_easy_getinfo");
    announced_ = std::max(length, curl_off_t{0});
  }
  if (file_.empty() && !may_have(more)) {
    set_paused(Clock::now());
    return CURL_WRITEFUNC_PAUSE;
  }
  count(due_bytes(more));
  body_.append({data, size}, static_cast<std::size_t>(announced_));
  return size;
}

/// What is still to be counted before `more` bytes may be held.
std::int64_t Transfer::due_bytes(std::int64_t more) const {
  const auto size = static_cast<std::int64_t>(body_.size()) + more;
  return std::max(std::int64_t{0}, std::max(size, announced_) - counted_);
}

bool Transfer::may_have(std::int64_t more) const {
  const auto due = due_bytes(more);
  const auto length = announced_ > 0 ? Budget::Length::announced : Budget::Length::unknown;
  return due == 0 || budget_.allows(this, counted_, due, length);
}

void Transfer::count(std::int64_t more) {
  if (is_sure()) budget_.sure -= counted_;
  counted_ += more;
  budget_.held += more;
  budget_.memory.take(more);
  if (is_sure()) budget_.sure += counted_;
}

void Transfer::drop_body() {
  if (is_sure()) budget_.sure -= counted_;
  budget_.held -= counted_;
  budget_.memory.give_back(counted_);
  counted_ = announced_ = 0;
  body_ = {};
}

int Transfer::status() const {
  if (!file_.empty()) return 200;
  long status = 0;
  check_curl(curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status), "curl_easy_getinfo");
  return static_cast<int>(status);
}

/// Where a request before this one has left something on a connection, or the server closed it meanwhile.
bool Transfer::may_be_the_connection(CURLcode code) const {
  switch (code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: break;
    default: return false;
  }
  long made = 0;
  check_curl(curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &made), "curl_easy_getinfo");
  return !wants_fresh_ && made == 0;
}

/// What libcurl says itself, where that is the same for every run, without times.
std::string Transfer::reason_of(CURLcode code) const {
  switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION: break;
    default: return curl_easy_strerror(code);
  }
  std::string reason = without_credentials(reason_.c_str());
  if (reason.empty()) return curl_easy_strerror(code);
  RE2::GlobalReplace(&reason, " after [0-9]+ ms", "");
  if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY) {
    if (const auto proxy = proxy_in(reason); !proxy.empty()) reason += " (the proxy that " + proxy + " names)";
  }
  return reason;
}

std::optional<Answer> Transfer::end(CURLcode code, Time now) {
  set_paused(std::nullopt);
  // libcurl takes an error in reading a file for its end.
  if (code == CURLE_OK && !file_.empty() && static_cast<std::int64_t>(body_.size()) < announced_)
    code = CURLE_READ_ERROR;
  const bool is_whole = code == CURLE_OK;
  if (may_be_the_connection(code)) {
    // At once, and it counts for none of the retries.
    wants_fresh_ = true;
    --attempts_;
    drop_body();
    due_ = now;
    return std::nullopt;
  }
  if (is_whole ? may_pass(status()) : may_pass(code)) {
    curl_off_t asked_s = 0;
    check_curl(curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &asked_s), "curl_easy_getinfo");
    if (const auto wait = wait_before_retry(settings_, number_, attempts_, static_cast<double>(asked_s))) {
      drop_body();
      due_ = now + seconds_long(*wait);
      return std::nullopt;
    }
  }
  Answer answer;
  answer.attempts = attempts_;
  if (is_whole) {
    answer.status = status();
    answer.body = std::exchange(body_, {});
    // From now on it is counted as finished.
    budget_.memory.take(static_cast<std::int64_t>(answer.body.size()));
  } else if (is_too_large_ || code == CURLE_FILESIZE_EXCEEDED) {
    answer.error = "the body is larger than --memory-limit allows";
  } else {
    answer.error = reason_of(code);
  }
  drop_body();
  return answer;
}

}  // namespace paceline::fetch
