// A PNG file: its frame by libpng, its pixels as they were packed before.
#pragma once

#include <png.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "workloads/fractal/colormaps.hpp"
#include "workloads/fractal/png_strip.hpp"

namespace paceline::fractal {

/// Written aside and renamed by finish(); without it nothing is left. Every member throws Error (output).
class PngFile {
 public:
  /// With a palette each pixel is one byte, an index into it; without, three bytes, red green blue.
  PngFile(const std::filesystem::path& path, std::int64_t width, std::int64_t height, std::span<const Colour> palette);
  PngFile(const PngFile&) = delete;
  PngFile& operator=(const PngFile&) = delete;
  ~PngFile();

  /// Further rows, from joined().
  void write(std::span<const std::byte> strips);
  /// After all rows.
  void finish();

 private:
  void put(std::span<const std::byte> packed);
  void write_held();
  [[noreturn]] void fail();
  static void remember(png_structp png, png_const_charp message);

  std::filesystem::path path_;
  std::filesystem::path place_;  ///< where it lies, if the path is a link
  std::filesystem::path aside_;
  std::FILE* file_ = nullptr;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<std::byte> held_;  ///< of the chunk that is not written yet
  PngStrip pixels_;              ///< of all that is written: checksum and size
  std::string message_;
};

}  // namespace paceline::fractal
