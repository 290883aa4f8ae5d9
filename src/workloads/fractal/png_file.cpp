#include "workloads/fractal/png_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csetjmp>
#include <cstring>
#include <utility>
#include <vector>

#include <paceline/error.hpp>

#include "host/links.hpp"

namespace paceline::fractal {
namespace {

constexpr png_byte idat[] = {'I', 'D', 'A', 'T', 0};
constexpr png_byte iend[] = {'I', 'E', 'N', 'D', 0};
// Of the stream of pixels (RFC 1950): deflate with a window of 32 KiB. Its end is the checksum.
constexpr png_byte stream_begin[] = {0x78, 0x01};
// Of a chunk of pixels.
constexpr std::size_t chunk_bytes = std::size_t{1} << 18;

}  // namespace

// libpng reports errors by longjmp. Each member arms it anew and has no objects that would have to be destroyed.

PngFile::PngFile(const std::filesystem::path& path, std::int64_t width, std::int64_t height,
                 std::span<const Colour> palette)
    : path_(path), place_(behind_links(path)), aside_(place_.string() + ".part") {
  // What a former run has left there, a link or a pipe among it, is removed and not written to.
  std::remove(aside_.c_str());
  const int descriptor = open(aside_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor >= 0) file_ = fdopen(descriptor, "wb");
  if (file_ == nullptr) {
    message_ = std::strerror(errno);
    fail();
  }
  png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, remember, nullptr);
  info_ = png_create_info_struct(png_);
  if (png_ == nullptr || info_ == nullptr) {
    message_ = "libpng is out of memory";
    fail();
  }
  std::vector<png_color> colours;
  for (const auto& [red, green, blue] : palette) colours.push_back({red, green, blue});
  errno = 0;
  if (setjmp(png_jmpbuf(png_)) != 0) fail();
  png_init_io(png_, file_);
  png_set_IHDR(png_, info_, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
               colours.empty() ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!colours.empty()) png_set_PLTE(png_, info_, colours.data(), static_cast<int>(colours.size()));
  png_set_sRGB_gAMA_and_cHRM(png_, info_, PNG_sRGB_INTENT_PERCEPTUAL);
  png_write_info(png_, info_);
  put(std::as_bytes(std::span(stream_begin)));
}

PngFile::~PngFile() {
  if (png_ != nullptr) png_destroy_write_struct(&png_, &info_);
  if (file_ != nullptr) {
    std::fclose(file_);
    std::remove(aside_.c_str());
  }
}

void PngFile::write_held() {
  errno = 0;
  if (setjmp(png_jmpbuf(png_)) != 0) fail();
  png_write_chunk(png_, idat, reinterpret_cast<png_const_bytep>(held_.data()), held_.size());
  held_.clear();
}

/// In chunks of one size, whoever packed what is in them.
void PngFile::put(std::span<const std::byte> packed) {
  while (!packed.empty()) {
    const auto some = packed.first(std::min(packed.size(), chunk_bytes - held_.size()));
    held_.insert(held_.end(), some.begin(), some.end());
    packed = packed.subspan(some.size());
    if (held_.size() == chunk_bytes) write_held();
  }
}

void PngFile::write(std::span<const std::byte> strips) {
  const auto more = parsed(strips);
  append(pixels_, more.checksum, more.raw_bytes);
  put(more.packed);
}

void PngFile::finish() {
  const auto sum = pixels_.checksum;
  const std::byte end[] = {std::byte(sum >> 24), std::byte(sum >> 16 & 0xff), std::byte(sum >> 8 & 0xff),
                           std::byte(sum & 0xff)};
  put(end);
  if (!held_.empty()) write_held();
  errno = 0;
  if (setjmp(png_jmpbuf(png_)) != 0) fail();
  png_write_chunk(png_, iend, nullptr, 0);
  if (std::fclose(std::exchange(file_, nullptr)) != 0 || std::rename(aside_.c_str(), place_.c_str()) != 0) {
    message_ = std::strerror(errno);
    std::remove(aside_.c_str());
    fail();
  }
}

void PngFile::fail() {
  throw Error(ErrorKind::output, fmt::format("can't write {}", path_.string()), message_,
              "free space or choose another place");
}

void PngFile::remember(png_structp png, png_const_charp message) {
  auto* self = static_cast<PngFile*>(png_get_error_ptr(png));
  self->message_ = errno != 0 ? std::strerror(errno) : message;
  png_longjmp(png, 1);
}

}  // namespace paceline::fractal
