#include "workloads/fetch/fetch.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "host/secrets.hpp"
#include "storage/parcel.hpp"

namespace paceline::fetch {
namespace {

enum ColumnNumber : std::size_t { url_column, status_column, bytes_column, body_column, error_column };

// What bands expect; bodies may be of any size.
constexpr std::int64_t usual_body = 4096;
// Room for all of an item that is neither its URL nor its body.
constexpr std::int64_t longest_rest = 512;
constexpr int most_connections = 4096;
constexpr double longest_s = 1e6;

Column column(const std::string& name, ElementType type) { return {"/fetch/" + name, type, "", {}}; }

/// Throws Error (input) unless there is such a file to read.
void check_ca_file(const std::string& file) {
  std::error_code code;
  if (std::ifstream(file).good() && !std::filesystem::is_directory(file, code)) return;
  throw Error(ExitCode::input, fmt::format("can't read the certificates {}", file), std::strerror(ENOENT),
              "give --ca-file, or SSL_CERT_FILE in the environment, a PEM file");
}

/// Of a device or a pipe nobody knows beforehand how much it is.
std::string read_all(std::istream& in, const std::string& name, std::int64_t memory_limit) {
  std::string all;
  for (std::array<char, 1 << 16> piece{}; in.read(piece.data(), piece.size()), in.gcount() > 0;) {
    all.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (std::ssize(all) <= memory_limit) continue;
    throw Error(ExitCode::input, fmt::format("can't read the list of URLs {}", name),
                fmt::format("it is longer than --memory-limit, {} bytes", memory_limit),
                "give a text file with one URL a line, or raise the limit");
  }
  return all;
}

}  // namespace

void Fetch::add_options(CLI::App& app) {
  auto* given =
      app.add_option("urls", given_, "what to fetch: http, https and, if allowed, file")->option_text("URL...");
  app.add_option("--from", from_, "take them from a file, one a line; # starts a comment; - is the standard input")
      ->option_text("FILE")
      ->excludes(given);
  app.add_option("--parallel", parallel_, "connections to a host, and in all, of all ranks together")
      ->check(CLI::Range(1, most_connections))
      ->option_text(fmt::format("N ({})", parallel_));
  app.add_option("--timeout", settings_.timeout_s, "for each attempt, to its last byte")
      ->check(CLI::Range(1e-3, longest_s))
      ->option_text(fmt::format("SECONDS ({:g})", settings_.timeout_s));
  app.add_option("--connect-timeout", settings_.connect_timeout_s, "for its connection, TLS included")
      ->check(CLI::Range(1e-3, longest_s))
      ->option_text(fmt::format("SECONDS ({:g})", settings_.connect_timeout_s));
  app.add_option("--retries", settings_.retries, "attempts after the first, where a fault may pass")
      ->check(CLI::Range(0, 1000))
      ->option_text(fmt::format("N ({})", settings_.retries));
  app.add_option("--backoff", settings_.backoff_s, "wait before the first of them; it doubles with each")
      ->check(CLI::Range(0.0, longest_s))
      ->option_text(fmt::format("SECONDS ({:g})", settings_.backoff_s));
  app.add_option("--longest-wait", settings_.longest_wait_s, "the same at the most, and what a server may ask for")
      ->check(CLI::Range(0.0, longest_s))
      ->option_text(fmt::format("SECONDS ({:g})", settings_.longest_wait_s));
  app.add_option("--seed", settings_.seed, "of the random part of these waits")->option_text("S (0)");
  app.add_flag("--allow-file", allows_file_, "fetch file:// URLs too");
  app.add_option("--ca-file", settings_.ca_file,
                 "certificates to trust instead of the system's (also by SSL_CERT_FILE)")
      ->option_text("FILE.pem");
}

void Fetch::prepare() {
  if (given_.empty() && from_.empty()) {
    throw Error(ExitCode::usage, "there is nothing to fetch", "no URL is given", "give URLs, or --from FILE");
  }
  for (const double seconds :
       {settings_.timeout_s, settings_.connect_timeout_s, settings_.backoff_s, settings_.longest_wait_s}) {
    if (std::isnan(seconds)) {
      throw Error(ExitCode::usage, "a time makes no sense", "nan is no number of seconds", "give a number");
    }
  }
  for (const auto& url : given_) check_url(url, files(), "command line", ExitCode::usage);
  // libcurl itself does not look at it, though most programs that use OpenSSL do.
  if (const char* file = std::getenv("SSL_CERT_FILE"); file != nullptr && settings_.ca_file.empty()) {
    settings_.ca_file = file;
  }
  if (!settings_.ca_file.empty()) check_ca_file(settings_.ca_file);
  if (!given_.empty()) set_urls(given_);
}

std::string Fetch::read_brief(std::int64_t memory_limit) const {
  if (from_ == "-") return read_all(std::cin, from_, memory_limit);
  std::error_code code;
  errno = 0;
  std::ifstream file(from_, std::ios::binary);
  const bool is_folder = std::filesystem::is_directory(from_, code);
  if (!file || is_folder) {
    throw Error(ExitCode::input, fmt::format("can't read the list of URLs {}", from_),
                std::strerror(is_folder ? EISDIR : errno), "give --from a text file with one URL a line");
  }
  return read_all(file, from_, memory_limit);
}

void Fetch::set_brief(const std::string& text) {
  set_urls(read_url_list(text, files(), from_ == "-" ? "the standard input" : from_));
}

void Fetch::set_urls(std::vector<std::string> urls) {
  urls_ = std::move(urls);
  std::string all;
  for (const auto& url : urls_) all += without_credentials(url) + '\n';
  shape_ = {};
  shape_.path = "/fetch";
  shape_.dims = {std::ssize(urls_)};
  shape_.columns = {column("url", ElementType::text), column("status", ElementType::uint16),
                    column("bytes", ElementType::uint64), column("body", ElementType::bytes),
                    column("error", ElementType::text)};
  shape_.columns[status_column].attributes = {
      {"meaning", "HTTP status after redirects; 200 for a file; 0: no whole answer came, see /fetch/error"}};
  shape_.columns[bytes_column].units = "byte";
  shape_.records = std::string("/fetch");
  shape_.variable_bytes = usual_body;
  // A list that has changed is not gone on with.
  const auto digest = item_digest(0, std::as_bytes(std::span(all)));
  shape_.attributes = {{"urls", std::ssize(urls_)}, {"list_digest", fmt::format("{:016x}", digest)}};
}

std::string Fetch::kernel_name() const {
  const auto* version = curl_version_info(CURLVERSION_NOW);
  return fmt::format("libcurl {}, {}, {} connection{} at the most", version->version,
                     version->ssl_version == nullptr ? "no TLS" : version->ssl_version, parallel_,
                     parallel_ == 1 ? "" : "s");
}

int Fetch::concurrency(const Place& place) const {
  return static_cast<int>(even_part({0, parallel_}, place.rank, place.ranks).size());
}

void Fetch::start(const Post& post) {
  std::size_t longest_url = 0;
  for (const auto& url : urls_) longest_url = std::max(longest_url, url.size());
  settings_.largest_body = post.memory_limit - static_cast<std::int64_t>(longest_url) - longest_rest;
  // The rest is for what HDF5 holds of the bodies that it writes.
  settings_.held_bytes = post.memory_limit / 4 * 3;
  if (settings_.largest_body < 1) {
    throw Error(ExitCode::usage, fmt::format("--memory-limit {} is too small", post.memory_limit),
                "not even a URL and what belongs to it would fit", "raise it");
  }
  settings_.connections = std::max(1, concurrency(post.place));
  downloader_ = std::make_unique<Downloader>(settings_, post.stop, post.held_bytes);
}

std::size_t Fetch::fetch(std::int64_t item, std::vector<std::byte>& parcel, Notes notes) const {
  const auto& url = urls_[static_cast<std::size_t>(item)];
  Answer answer;
  try {
    answer = downloader_->submit(url, static_cast<std::uint64_t>(item)).get();
  } catch (const Downloader::Stopped&) {
    throw Interrupted();
  }
  ParcelWriter writer(shape_);
  writer.add_text(url_column, without_credentials(url));
  writer.add(status_column, static_cast<std::uint16_t>(answer.status));
  writer.add(bytes_column, static_cast<std::uint64_t>(answer.body.size()));
  const std::uint64_t size = answer.body.size();
  writer.add_later(body_column, {&size, 1}, [&](std::vector<std::byte>& bytes) { answer.body.move_to(bytes); });
  writer.add_text(error_column, answer.error);
  parcel = writer.take();
  downloader_->forget(size);
  if (notes == Notes::taken) note(item, answer.status, answer.error);
  return size;
}

Work Fetch::compute_parcel(std::int64_t item, Operands /*none*/, std::vector<std::byte>& parcel) const {
  const auto bytes = fetch(item, parcel, Notes::taken);
  return {bytes, bytes};
}

void Fetch::compute_parcel_reference(std::int64_t item, Operands /*none*/, std::vector<std::byte>& parcel) const {
  fetch(item, parcel, Notes::none);
}

bool Fetch::is_settled(std::span<const std::byte> parcel) const {
  const ParcelView view(shape_, 1, parcel);
  std::uint16_t status = 0;
  std::memcpy(&status, view.fixed(status_column).data(), sizeof status);
  return !is_failure(status);
}

void Fetch::note(std::int64_t item, int status, std::string_view error) const {
  if (!is_failure(status)) return;
  const auto url = without_credentials(urls_[static_cast<std::size_t>(item)]);
  const std::lock_guard lock(mutex_);
  failures_.push_back({item, status == 0 ? fmt::format("{}: {}", url, error) : fmt::format("{}: {}", url, status)});
}

std::vector<Failure> Fetch::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

}  // namespace paceline::fetch
