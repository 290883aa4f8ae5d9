#include "storage/text_stages.hpp"

#include <fmt/format.h>
#include <iconv.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <new>
#include <string_view>
#include <vector>

#include <paceline/error.hpp>

#include "storage/read_errors.hpp"

namespace paceline {
namespace {

constexpr std::size_t unpacked_at_once = std::size_t{1} << 18;

/// One gzip member after the other (RFC 1952); zeros may pad the end.
class Gunzip final : public TextStage {
 public:
  explicit Gunzip(std::string name) : name_(std::move(name)), out_(unpacked_at_once) {
    // 16: gzip's own header, and none of zlib's.
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Gunzip() override { inflateEnd(&stream_); }

  void take(std::span<const char> bytes, const Sink& sink) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0) {
      if (is_between_ && !begin_member()) return;
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        throw cannot_read(name_,
                          fmt::format("its gzip data are damaged: {}", stream_.msg == nullptr ? "" : stream_.msg),
                          "bring another copy");
      }
      sink(std::span<const char>(out_).first(out_.size() - stream_.avail_out));
      is_between_ = code == Z_STREAM_END;
    }
  }

  void finish(const Sink& /*sink*/) override {
    if (!is_between_) throw cannot_read(name_, "its gzip data end too early", "bring all of it");
  }

 private:
  /// False: only padding is left of what is here.
  bool begin_member() {
    while (has_ended_ && stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    inflateReset(&stream_);
    is_between_ = false;
    has_ended_ = true;
    return true;
  }

  std::string name_;
  std::vector<char> out_;
  z_stream stream_{};
  bool is_between_ = true;  ///< members
  bool has_ended_ = false;  ///< some member has
};

class Unzstd final : public TextStage {
 public:
  explicit Unzstd(std::string name)
      : name_(std::move(name)), out_(ZSTD_DStreamOutSize()), stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }
  ~Unzstd() override { ZSTD_freeDStream(stream_); }

  void take(std::span<const char> bytes, const Sink& sink) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer out{};
    do {
      out = {out_.data(), out_.size(), 0};
      left_ = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(left_) != 0) {
        throw cannot_read(name_, fmt::format("its zstd data are damaged: {}", ZSTD_getErrorName(left_)),
                          "bring another copy");
      }
      sink(std::span<const char>(out_).first(out.pos));
    } while (in.pos < in.size || out.pos == out.size);
  }

  void finish(const Sink& /*sink*/) override {
    if (left_ != 0) throw cannot_read(name_, "its zstd data end too early", "bring all of it");
  }

 private:
  std::string name_;
  std::vector<char> out_;
  ZSTD_DStream* stream_;
  std::size_t left_ = 0;  ///< more bytes wanted
};

class Converter final : public TextStage {
 public:
  Converter(std::string encoding, std::string name)
      : encoding_(std::move(encoding)),
        name_(std::move(name)),
        out_(unpacked_at_once),
        from_(iconv_open("UTF-8", of(encoding_).c_str())) {
    if (from_ != reinterpret_cast<iconv_t>(-1)) return;
    throw Error(ErrorKind::usage, fmt::format("--encoding {} makes no sense", encoding_),
                "iconv does not know that name", "`iconv -l` lists them");
  }
  ~Converter() override {
    if (from_ != reinterpret_cast<iconv_t>(-1)) iconv_close(from_);
  }

  void take(std::span<const char> bytes, const Sink& sink) override {
    // A character may be cut between two pieces.
    rest_.insert(rest_.end(), bytes.begin(), bytes.end());
    char* in = rest_.data();
    std::size_t left = rest_.size();
    for (bool goes_on = true; goes_on;) {
      char* out = out_.data();
      std::size_t room = out_.size();
      goes_on = false;
      if (iconv(from_, &in, &left, &out, &room) == static_cast<std::size_t>(-1)) {
        if (errno == EILSEQ) {
          throw cannot_read(
              name_,
              fmt::format("byte {} is not {}", done_ + static_cast<std::int64_t>(rest_.size() - left), encoding_),
              "give another --encoding");
        }
        goes_on = errno == E2BIG;
      }
      sink(std::span<const char>(out_).first(out_.size() - room));
    }
    done_ += static_cast<std::int64_t>(rest_.size() - left);
    rest_.erase(rest_.begin(), rest_.end() - static_cast<std::ptrdiff_t>(left));
  }

  void finish(const Sink& /*sink*/) override {
    if (!rest_.empty())
      throw cannot_read(name_, fmt::format("it ends within a character of {}", encoding_), "bring all of it");
  }

 private:
  /// As glibc calls it.
  static std::string of(const std::string& encoding) {
    std::string lower = encoding;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char byte) { return std::tolower(byte); });
    if (lower.starts_with("latin-")) return "latin" + lower.substr(6);
    // What follows a slash would tell iconv to leave out or guess characters.
    return encoding.substr(0, encoding.find('/'));
  }

  std::string encoding_, name_;
  std::vector<char> out_, rest_;
  std::int64_t done_ = 0;  ///< bytes before `rest_`
  iconv_t from_;
};

}  // namespace

std::string packed_by(std::span<const char> begin) {
  const std::string_view head(begin.data(), begin.size());
  if (head.starts_with("\x1f\x8b")) return "zlib";
  if (head.starts_with("\x28\xb5\x2f\xfd")) return "zstd";
  return {};
}

std::unique_ptr<TextStage> make_unpacker(const std::string& packed_by, const std::string& name) {
  if (packed_by == "zlib") return std::make_unique<Gunzip>(name);
  return std::make_unique<Unzstd>(name);
}

std::unique_ptr<TextStage> make_converter(const std::string& encoding, const std::string& name) {
  return std::make_unique<Converter>(encoding, name);
}

}  // namespace paceline
