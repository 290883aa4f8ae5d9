#include "workloads/fetch/fetch.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "host/secrets.hpp"
#include "host/text.hpp"

namespace paceline::fetch {
namespace {

// Of what went wrong; libcurl's own sentences are shorter.
constexpr std::size_t error_width = 256;
constexpr int most_connections = 4096;
constexpr double longest_s = 1e6;

Column column(const std::string& name, ElementType type, std::size_t width = 1) {
  return {"/fetch/" + name, type, "", {}, static_cast<std::int64_t>(width), {}};
}

/// Padded with NUL to the width of `place`; what is longer ends at a character.
void put_text(std::span<std::byte> place, std::string_view text) {
  auto size = std::min(text.size(), place.size());
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  std::memset(place.data(), 0, place.size());
  if (size > 0) std::memcpy(place.data(), text.data(), size);
}

/// Throws Error (input) unless there is such a file to read.
void check_ca_file(const std::string& file) {
  std::error_code code;
  if (std::ifstream(file).good() && !std::filesystem::is_directory(file, code)) return;
  throw Error(ErrorKind::input, fmt::format("can't read the certificates {}", file), std::strerror(ENOENT),
              "give --ca-file, or SSL_CERT_FILE in the environment, a PEM file");
}

/// Of a device or a pipe nobody knows beforehand how much it is.
std::string read_all(std::istream& in, const std::string& name, std::int64_t memory_limit) {
  std::string all;
  for (std::array<char, 1 << 16> piece{}; in.read(piece.data(), piece.size()), in.gcount() > 0;) {
    all.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (std::ssize(all) <= memory_limit) continue;
    throw Error(ErrorKind::input, fmt::format("can't read the list of URLs {}", name),
                fmt::format("it is longer than --memory-limit, {} bytes", memory_limit),
                "give a text file with one URL per line, or raise the limit");
  }
  return all;
}

}  // namespace

void Fetch::add_options(OptionSet& options) {
  options.add("urls", given_, "what to fetch: http, https and, if allowed, file").shown("URL...");
  options.add("--from", from_, "take them from a file, one per line; # starts a comment; - is the standard input")
      .shown("FILE")
      .excludes("urls");
  options.add("--parallel", parallel_, "connections to a host, and in all, of all ranks together")
      .from(1, most_connections)
      .shown(fmt::format("N ({})", parallel_));
  options.add("--timeout", settings_.timeout_s, "for each attempt, to its last byte")
      .between(1e-3, longest_s)
      .shown(fmt::format("SECONDS ({:g})", settings_.timeout_s));
  options.add("--connect-timeout", settings_.connect_timeout_s, "for its connection, TLS included")
      .between(1e-3, longest_s)
      .shown(fmt::format("SECONDS ({:g})", settings_.connect_timeout_s));
  options.add("--retries", settings_.retries, "attempts after the first, where a fault may pass")
      .from(0, 1000)
      .shown(fmt::format("N ({})", settings_.retries));
  options.add("--backoff", settings_.backoff_s, "wait before the first of them; it doubles with each")
      .between(0.0, longest_s)
      .shown(fmt::format("SECONDS ({:g})", settings_.backoff_s));
  options
      .add("--longest-wait", settings_.longest_wait_s,
           "longest of these waits, also where the server asks for a longer one")
      .between(0.0, longest_s)
      .shown(fmt::format("SECONDS ({:g})", settings_.longest_wait_s));
  options.add("--seed", settings_.seed, "seed of the random part of these waits").shown("S (0)");
  options.add("--allow-file", allows_file_, "fetch file:// URLs too");
  options.add("--ca-file", settings_.ca_file, "certificates to trust instead of the system's (also by SSL_CERT_FILE)")
      .shown("FILE.pem");
}

void Fetch::prepare() {
  if (given_.empty() && from_.empty()) {
    throw Error(ErrorKind::usage, "there is nothing to fetch", "no URL is given", "give URLs, or --from FILE");
  }
  for (const double seconds :
       {settings_.timeout_s, settings_.connect_timeout_s, settings_.backoff_s, settings_.longest_wait_s}) {
    if (std::isnan(seconds)) {
      throw Error(ErrorKind::usage, "a time makes no sense", "nan is not a number of seconds", "give a number");
    }
  }
  for (const auto& url : given_) check_url(url, files(), "command line", ErrorKind::usage);
  // libcurl itself does not look at it, though most programs that use OpenSSL do.
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && settings_.ca_file.empty()) {
    settings_.ca_file = file;
  }
  if (!settings_.ca_file.empty()) check_ca_file(settings_.ca_file);
  if (!given_.empty()) set_urls(given_);
}

std::string Fetch::read_on_root(std::int64_t memory_limit) const {
  if (from_ == "-") return read_all(std::cin, from_, memory_limit);
  std::error_code code;
  errno = 0;
  std::ifstream file(from_, std::ios::binary);
  const bool is_folder = std::filesystem::is_directory(from_, code);
  if (!file || is_folder) {
    throw Error(ErrorKind::input, fmt::format("can't read the list of URLs {}", from_),
                std::strerror(is_folder ? EISDIR : errno), "give --from a text file with one URL per line");
  }
  return read_all(file, from_, memory_limit);
}

void Fetch::set_root_input(const std::string& text) {
  set_urls(read_url_list(text, files(), from_ == "-" ? "the standard input" : from_));
}

void Fetch::set_urls(std::vector<std::string> urls) {
  urls_ = std::move(urls);
  masked_.clear();
  for (const auto& url : urls_) masked_.push_back(without_credentials(url));
  std::string all;
  for (const auto& url : masked_) all += url + '\n';
  shape_ = {};
  shape_.path = "/fetch";
  shape_.dims = {std::ssize(urls_)};
  longest_url_ = 1;
  for (const auto& url : masked_) longest_url_ = std::max(longest_url_, url.size());
  shape_.columns = {column("url", ElementType::text, longest_url_), column("status", ElementType::uint16),
                    column("error", ElementType::text, error_width)};
  shape_.columns[1].attributes = {
      {"meaning", "HTTP status after redirects; 200 for a file; 0: no whole answer came, see /fetch/error"}};
  shape_.variable = {"/fetch/body", "/fetch/body_begin", "/fetch/bytes"};
  shape_.origins = "/fetch";
  // A list that has changed is not gone on with.
  const auto digest = item_digest(0, std::as_bytes(std::span(all)));
  shape_.attributes = {{"urls", std::ssize(urls_)}, {"list_digest", fmt::format("{:016x}", digest)}};
}

Traits Fetch::traits() const {
  const auto* version = curl_version_info(CURLVERSION_NOW);
  Traits traits;
  traits.kernel =
      fmt::format("libcurl {}, {}, {} at the most", version->version,
                  version->ssl_version == nullptr ? "no TLS" : version->ssl_version, plural(parallel_, "connection"));
  traits.rate_unit = {"MB/s", 1e6};
  traits.item_rate_unit = {"requests/s", 1.0};
  // Items of a piece do not wait for each other.
  traits.items_between_checks = 1;
  traits.is_ordered = false;
  return traits;
}

Parts Fetch::parts() {
  Parts parts;
  if (!from_.empty()) parts.root_input = this;
  parts.waiting = this;
  parts.retries = this;
  return parts;
}

int Fetch::workers(const RankInfo& rank) const {
  return static_cast<int>(even_part({0, parallel_}, rank.rank, rank.ranks).size());
}

void Fetch::start(const StartContext& context) {
  memory_ = context.variable_bytes;
  settings_.largest_body = memory_->limit();
  settings_.connections = std::max(1, workers(context.rank));
  downloader_ = std::make_unique<Downloader>(settings_, context.stop, *memory_);
}

void Fetch::begin(std::int64_t item) {
  downloader_->submit(urls_[static_cast<std::size_t>(item)], static_cast<std::uint64_t>(item),
                      [this, item](Downloader::Outcome outcome) {
                        const std::lock_guard lock(mutex_);
                        outcomes_.insert_or_assign(item, std::move(outcome));
                        come_.push_back(item);
                        has_come_.notify_one();
                      });
}

std::optional<std::int64_t> Fetch::next_done() {
  std::unique_lock lock(mutex_);
  if (!has_come_.wait_for(lock, std::chrono::milliseconds(20), [this] { return !come_.empty(); })) return std::nullopt;
  const auto item = come_.front();
  come_.pop_front();
  const auto error = outcomes_.at(item).error;
  lock.unlock();
  try {
    if (error) std::rethrow_exception(error);
  } catch (const Downloader::Stopped&) {
    throw Interrupted();
  }
  return item;
}

std::size_t Fetch::put(std::int64_t item, Answer& answer, ItemOutput output) const {
  const auto status = static_cast<std::uint16_t>(answer.status);
  put_text(output.bytes.first(longest_url_), masked_[static_cast<std::size_t>(item)]);
  std::memcpy(&output.bytes[longest_url_], &status, sizeof status);
  put_text(output.bytes.subspan(longest_url_ + sizeof status), answer.error);
  const auto size = answer.body.size();
  // The bytes are in the budget until they are written.
  if (output.variable != nullptr) *output.variable = answer.body.take();
  return size;
}

Work Fetch::compute(Slab items, Operands /*none*/, ItemOutput output) const {
  const auto item = items.begin;
  std::unique_lock lock(mutex_);
  auto answer = std::move(outcomes_.extract(item).mapped().answer);
  lock.unlock();
  const auto bytes = put(item, answer, output);
  note(item, answer.status, answer.error);
  return {bytes, bytes};
}

void Fetch::compute_reference(Slab items, Operands /*none*/, ItemOutput output) const {
  const auto item = items.begin;
  try {
    auto answer = downloader_->fetch(urls_[static_cast<std::size_t>(item)], static_cast<std::uint64_t>(item));
    memory_->give_back(static_cast<std::int64_t>(put(item, answer, output)));
  } catch (const Downloader::Stopped&) {
    throw Interrupted();
  }
}

bool Fetch::is_settled(std::span<const std::byte> bytes) const {
  std::uint16_t status = 0;
  std::memcpy(&status, &bytes[longest_url_], sizeof status);
  return !is_failure(status);
}

void Fetch::note(std::int64_t item, int status, std::string_view error) const {
  if (!is_failure(status)) return;
  const auto& url = masked_[static_cast<std::size_t>(item)];
  const std::lock_guard lock(mutex_);
  failures_.push_back({item, status == 0 ? fmt::format("{}: {}", url, error) : fmt::format("{}: {}", url, status)});
}

std::vector<Failure> Fetch::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace paceline::fetch
