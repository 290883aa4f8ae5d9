// A PNG file written row by row by libpng.
#pragma once

#include <png.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>

#include "workloads/fractal/colormaps.hpp"

namespace paceline::fractal {

/// Written aside and renamed by finish(); without it nothing is left. Every member throws Error (output).
class PngFile {
 public:
  /// With a palette each pixel is one byte, an index into it; without, three bytes, red green blue.
  PngFile(const std::filesystem::path& path, std::int64_t width, std::int64_t height, std::span<const Colour> palette);
  PngFile(const PngFile&) = delete;
  PngFile& operator=(const PngFile&) = delete;
  ~PngFile();

  void write_row(std::span<const std::uint8_t> row);
  void finish();

 private:
  [[noreturn]] void fail();
  static void remember(png_structp png, png_const_charp message);

  std::filesystem::path path_;
  std::filesystem::path place_;  ///< where it lies, if the path is a link
  std::filesystem::path aside_;
  std::FILE* file_ = nullptr;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string message_;
};

}  // namespace paceline::fractal
