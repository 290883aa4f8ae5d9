// Pictures, decoded again by libpng.
#include "workloads/fractal/picture.hpp"

#include <png.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline::fractal {
namespace {

struct Decoded {
  std::uint32_t width = 0, height = 0;
  std::vector<Colour> pixels;
  [[nodiscard]] Colour at(std::uint32_t row, std::uint32_t col) const { return pixels.at(row * width + col); }
};

Decoded decode(const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  Decoded decoded{image.width, image.height, std::vector<Colour>(std::size_t{image.width} * image.height)};
  EXPECT_NE(png_image_finish_read(&image, nullptr, decoded.pixels.data(), 0, nullptr), 0) << image.message;
  return decoded;
}

/// An image whose count at row, col is given by a function.
template <class Count>
struct Image {
  ResultShape shape;
  std::vector<Count> counts;

  Image(ElementType type, std::int64_t rows, std::int64_t cols, std::uint64_t max_iter,
        const std::function<std::uint64_t(std::int64_t, std::int64_t)>& count) {
    shape.path = "/fractal/counts";
    shape.type = type;
    shape.dims = {rows, cols};
    shape.image.max_value = max_iter;
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < cols; ++c) counts.push_back(static_cast<Count>(count(r, c)));
    }
  }
  void draw(const std::filesystem::path& path, std::int64_t memory_limit = 1 << 20, int ranks = 1) const {
    const ReadItems read = [&](Slab rows, std::span<std::byte> bytes) {
      EXPECT_EQ(static_cast<std::int64_t>(bytes.size()), rows.size() * shape.bytes_per_row());
      EXPECT_TRUE(rows.size() == 1 || static_cast<std::int64_t>(bytes.size()) <= memory_limit / 4);
      EXPECT_FALSE(is_reading_.exchange(true)) << "one thread at a time";
      std::memcpy(bytes.data(), &counts[static_cast<std::size_t>(rows.begin * shape.dims[1])], bytes.size());
      is_reading_ = false;
    };
    // As so many ranks would, one after the other.
    const Picture picture(shape, memory_limit);
    std::vector<std::uint64_t> seen;
    for (int rank = 0; rank < ranks; ++rank) {
      const auto part = picture.survey(even_part({0, picture.strips()}, rank, ranks), read);
      seen.resize(part.size());
      for (std::size_t k = 0; k < part.size(); ++k) seen[k] += part[k];
    }
    std::vector<std::vector<std::byte>> drawn;
    for (int rank = 0; rank < ranks; ++rank) {
      drawn.push_back(picture.draw(even_part({0, picture.strips()}, rank, ranks), seen, read, colormap("viridis")));
    }
    picture.write(path, drawn, colormap("viridis"));
  }

 private:
  mutable std::atomic<bool> is_reading_ = false;
};

constexpr Colour black = {0, 0, 0};

class PictureTest : public testing::Test {
 protected:
  test::TempFolder folder;
  std::filesystem::path path = folder / "f.png";
};

TEST_F(PictureTest, HasThePixelsOfTheData) {
  // Rows of equal counts, the last column inside.
  const Image<std::uint8_t> image(ElementType::uint8, 7, 5, 20,
                                  [](auto r, auto c) { return c == 4 ? 20U : static_cast<std::uint64_t>(2 * r); });
  for (const std::int64_t limit : {1, 4 * 5 * 3, 1 << 20}) {
    image.draw(path, limit);
    const auto png = decode(path);
    ASSERT_EQ(png.width, 5U);
    ASSERT_EQ(png.height, 7U);
    std::set<Colour> colours;
    for (std::uint32_t r = 0; r < 7; ++r) {
      EXPECT_EQ(png.at(r, 4), black);
      for (std::uint32_t c = 0; c < 4; ++c) EXPECT_EQ(png.at(r, c), png.at(r, 0));
      EXPECT_NE(png.at(r, 0), black);
      colours.insert(png.at(r, 0));
    }
    EXPECT_EQ(colours.size(), 7U) << "each count has its colour";
    // Counts are equally common, so colours are evenly spread: the middle one is that of the map.
    EXPECT_EQ(png.at(3, 0), colormap("viridis")[128]);
    EXPECT_LT(png.at(0, 0)[1], png.at(6, 0)[1]) << "viridis ends in bright yellow";
  }
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
}

/// The same picture, whoever draws which of its strips, on as many threads as there are.
TEST_F(PictureTest, IsTheSameForAnyNumberOfRanks) {
  // Several strips, with structure within and between them.
  const Image<std::uint16_t> image(ElementType::uint16, 1500, 700, 1000,
                                   [](auto r, auto c) { return static_cast<std::uint64_t>(r * c / 977 % 1001); });
  ASSERT_GT(Picture(image.shape, 1 << 24).strips(), 3);
  image.draw(path, 1 << 24);
  const auto one = decode(path);
  for (const int ranks : {2, 3, 40}) {
    image.draw(path, 1 << 24, ranks);
    EXPECT_EQ(decode(path).pixels, one.pixels) << ranks << " ranks";
  }
  // And of smaller strips.
  image.draw(path, 100'000, 2);
  EXPECT_EQ(decode(path).pixels, one.pixels);
}

TEST_F(PictureTest, IsBlackWhereAllIsInside) {
  Image<std::uint8_t>(ElementType::uint8, 3, 3, 20, [](auto, auto) { return 20; }).draw(path);
  for (const auto& pixel : decode(path).pixels) EXPECT_EQ(pixel, black);
}

TEST_F(PictureTest, IsDrawnFromAnyWidthOfCounts) {
  const auto draw_all = [&](auto image, std::uint64_t inside) {
    image.draw(path);
    const auto png = decode(path);
    std::set<Colour> colours;
    for (std::uint32_t c = 0; c < 40; ++c) {
      if (image.counts[c] == inside) {
        EXPECT_EQ(png.at(0, c), black);
      }
      colours.insert(png.at(0, c));
    }
    EXPECT_GT(colours.size(), 25U);
  };
  const auto ramp = [](std::uint64_t max) {
    return [max](std::int64_t, std::int64_t c) { return c == 39 ? max : max / 41 * static_cast<std::uint64_t>(c); };
  };
  draw_all(Image<std::uint16_t>(ElementType::uint16, 1, 40, 2000, ramp(2000)), 2000);
  draw_all(Image<std::uint32_t>(ElementType::uint32, 1, 40, 4'000'000'000, ramp(4'000'000'000)), 4'000'000'000);
  const auto huge = std::uint64_t{1} << 53;
  draw_all(Image<std::uint64_t>(ElementType::uint64, 1, 40, huge, ramp(huge)), huge);
}

TEST_F(PictureTest, OfALargeImageIsAveraged) {
  // Of each pair of columns one is inside; of the last, odd one all is outside.
  const Image<std::uint8_t> image(ElementType::uint8, 5, 8193, 20, [](auto, auto c) { return c % 2 == 1 ? 20 : 7; });
  image.draw(path);
  const auto png = decode(path);
  ASSERT_EQ(png.width, 4097U);
  ASSERT_EQ(png.height, 3U);
  const auto full = png.at(0, 4096), half = png.at(0, 0);
  EXPECT_EQ(full, colormap("viridis")[128]);
  for (std::uint32_t r = 0; r < 3; ++r) {
    for (std::uint32_t c = 0; c < 4096; ++c) ASSERT_EQ(png.at(r, c), half);
  }
  // Half the light is about 0.73 of the value, by sRGB's curve, not 0.5 of it.
  for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(half[c], 0.73 * full[c], 4) << c;
}

TEST_F(PictureTest, OfAnImageOfTheLargestSideIsWhole) {
  Image<std::uint8_t>(ElementType::uint8, 8192, 1, 20, [](auto r, auto) { return r % 20; }).draw(path);
  EXPECT_EQ(decode(path).height, 8192U);
  // One row more; pieces of memory that are no multiple of the averaged rows.
  Image<std::uint8_t>(ElementType::uint8, 8193, 1, 20, [](auto r, auto) { return r % 20; }).draw(path, 4 * 3);
  EXPECT_EQ(decode(path).height, 4097U);
}

TEST_F(PictureTest, ThatCantBeWrittenIsToldAndLeavesWhatWasThere) {
  const Image<std::uint16_t> image(ElementType::uint16, 300, 300, 5000, [](auto r, auto c) {
    return test::scrambled(static_cast<std::uint64_t>(r * 300 + c)) % 5000;
  });
  const auto nowhere = test::error_of([&] { image.draw(folder / "no" / "f.png"); });
  ASSERT_TRUE(nowhere);
  EXPECT_EQ(nowhere->kind(), ErrorKind::output);
  EXPECT_TRUE(test::says(*nowhere, "No such file or directory")) << nowhere->what();

  std::ofstream(path) << "old";
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  for (const rlim_t bytes : {100U, 20'000U}) {
    auto limit = before;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto full = test::error_of([&] { image.draw(path); });
    setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_TRUE(full);
    EXPECT_EQ(full->kind(), ErrorKind::output);
    EXPECT_TRUE(test::says(*full, "File too large")) << full->what();
    EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
    EXPECT_EQ(std::filesystem::file_size(path), 3U);
  }
  image.draw(path);
  EXPECT_EQ(decode(path).width, 300U);
}

}  // namespace
}  // namespace paceline::fractal
