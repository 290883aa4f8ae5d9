// The structure of a file lies where the shape says, whatever is known when, and around the data.
#include "storage/file_image.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include <support.hpp>

#include "storage/structure.hpp"

namespace paceline {
namespace {

/// All that a shape may have, of so many rows; one row per item.
ResultShape table_shape(std::int64_t rows) {
  ResultShape shape;
  shape.path = "/table";
  shape.dims = {rows};
  std::vector<std::int64_t> starts = {0};
  for (std::int64_t row = 0; row < rows; ++row) starts.push_back(starts.back() + row % 7);
  shape.columns = {{"/table/text", ElementType::text, {}, {}, 11, {}},
                   {"/table/number", ElementType::float64, "m", {{"missing", std::int64_t{0}}}, 1, {}},
                   {"/table/long", ElementType::uint8, {}, {}, 1, starts}};
  shape.variable = {"/table/body", "/table/body_begin", "/table/body_bytes"};
  shape.origins = std::string("/table/made");
  shape.attributes = {{"input", std::string("none")}, {"rows", rows}, {"scale", 0.1}};
  return shape;
}

ResultShape image_shape() {
  auto shape = test::numbers_shape(300, 500);
  shape.is_image = true;
  shape.image = {20, std::vector<std::uint8_t>(768, 7)};
  shape.axes = {{"/numbers/im", "imaginary part", std::vector<double>(300, 1.0)},
                {"/numbers/re", "real part", std::vector<double>(500, 2.0)}};
  return shape;
}

std::vector<ResultShape> shapes() {
  return {test::numbers_shape(1, 1), test::numbers_shape(1000, 33), image_shape(), table_shape(1), table_shape(12'345)};
}

void add_more(hid_t file) {
  h5::set_attribute(file, "command", std::string(60'000, 'x'));
  RunTables tables;
  tables.ranks.resize(500);
  write_tables(file, tables);
  write_reduced(file, {"/run/sums", "sums", {100, 100}, std::vector<double>(10'000, 1.5)});
}

bool has_data_at(const FileImage& image, std::int64_t at) {
  return std::any_of(image.data().begin(), image.data().end(),
                     [at](const Slab& part) { return at >= part.begin && at < part.end; });
}

TEST(FileImage, LiesAlikeWhateverIsKnownWhen) {
  for (const auto& shape : shapes()) {
    const FileImage first(shape, 0);
    for (const std::int64_t bytes : {0, 1, 4096, 4'194'304, 5'000'003}) {
      for (const bool is_sealed : {false, true}) {
        const FileImage other(shape, bytes, is_sealed ? add_more : std::function<void(hid_t)>());
        for (const auto& path : data_paths(shape)) {
          if (shape.variable && path == shape.variable->path) continue;
          EXPECT_EQ(other.place_of(path), first.place_of(path)) << path;
        }
        EXPECT_EQ(other.identity(), first.identity());
        EXPECT_EQ(other.layout_digest(), first.layout_digest());
        if (!shape.variable) continue;
        const auto place = other.place_of(shape.variable->path);
        EXPECT_EQ(place.size(), bytes);
        if (bytes == 0) continue;
        EXPECT_EQ(place.begin, FileImage(shape, 1).place_of(shape.variable->path).begin);
        EXPECT_EQ(place.begin % 4096, 0);
        EXPECT_EQ(other.data().back(), place) << "last, so that it may grow";
      }
    }
  }
}

TEST(FileImage, HasTheIdentityWhereEveryFileHasIt) {
  std::set<std::int64_t> begins;
  std::set<std::uint64_t> layouts;
  for (const auto& shape : shapes()) {
    const FileImage image(shape, 100);
    begins.insert(image.identity().begin);
    layouts.insert(image.layout_digest());
    EXPECT_EQ(image.identity().size(), identity_header + std::ssize(identity_text(shape)));
  }
  EXPECT_EQ(begins.size(), 1U);
  EXPECT_EQ(layouts.size(), shapes().size());
}

TEST(FileImage, HasPlacesOfTheRightSizeThatDontOverlap) {
  for (const auto& shape : shapes()) {
    const FileImage image(shape, 777);
    std::int64_t all = 0;
    for (const auto& path : data_paths(shape)) all += image.place_of(path).size();
    std::int64_t end = 0, covered = 0;
    for (const auto& part : image.data()) {
      EXPECT_GE(part.begin, end);
      end = part.end;
      covered += part.size();
    }
    EXPECT_LE(end, image.file_bytes());
    EXPECT_EQ(covered, all);
    EXPECT_EQ(image.place_of(finished_flags_path).size(), shape.items());
    EXPECT_EQ(image.place_of(item_digests_path).size(), 8 * shape.items());
    EXPECT_TRUE(image.place_of("/there/is/none").empty());
    if (shape.columns.empty()) {
      EXPECT_EQ(image.place_of(shape.path).size(), static_cast<std::int64_t>(shape.bytes_in({0, shape.items()})));
    } else {
      EXPECT_EQ(image.place_of("/table/text").size(), 11 * shape.rows());
      EXPECT_EQ(image.place_of("/table/long").size(), shape.columns[2].starts.back());
    }
  }
}

class FileImageOnDisk : public testing::Test {
 protected:
  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void put(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  [[nodiscard]] std::uint64_t digest_of_file(const FileImage& image) const {
    return structure_digest(ByteFile(path), static_cast<std::int64_t>(std::filesystem::file_size(path)), image.data());
  }

  test::TempFolder folder;
  std::filesystem::path path = folder / "f.h5";
};

TEST_F(FileImageOnDisk, IsPutAroundTheData) {
  for (const auto& shape : shapes()) {
    const FileImage image(shape, 5000);
    // What was there before is longer in one round, and shorter in the other.
    for (const std::int64_t before : {image.file_bytes() + 10'000, image.file_bytes() / 2}) {
      std::string noise(static_cast<std::size_t>(before), '\0');
      for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 31 + i / 251);
      std::filesystem::remove(path);
      put(path, noise);
      image.put_around_data(ByteTarget(path));
      const auto text = text_of(path);
      ASSERT_EQ(std::ssize(text), image.file_bytes());
      for (const auto& part : image.data()) {
        for (auto at = part.begin; at < part.end; ++at) {
          const auto place = static_cast<std::size_t>(at);
          ASSERT_EQ(text[place], place < noise.size() ? noise[place] : '\0') << "data are as they were, byte " << at;
        }
      }
      const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
      for (const auto& name : data_paths(shape)) {
        const auto set = h5::open_dataset(file.get(), name);
        const auto place = image.place_of(name);
        EXPECT_EQ(static_cast<std::int64_t>(H5Dget_storage_size(set.get())), place.size()) << name;
        if (!place.empty()) {
          EXPECT_EQ(static_cast<std::int64_t>(H5Dget_offset(set.get())), place.begin) << name;
        }
      }
    }
  }
}

TEST_F(FileImageOnDisk, HasADigestOfAllButTheData) {
  const auto shape = table_shape(100);
  const FileImage image(shape, 5000, add_more);
  image.put_around_data(ByteTarget(path));
  const auto whole = digest_of_file(image);
  const auto text = text_of(path);
  const auto changed = [&](std::int64_t at) {
    {
      std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(at);
      file.put(static_cast<char>(text[static_cast<std::size_t>(at)] ^ 1));
    }
    const auto digest = digest_of_file(image);
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at);
    file.put(text[static_cast<std::size_t>(at)]);
    return digest != whole;
  };
  std::set<std::int64_t> places = {0, image.file_bytes() - 1};
  for (const auto& part : image.data()) {
    for (const auto at : {part.begin - 1, part.begin, part.end - 1, part.end}) {
      if (at < image.file_bytes()) places.insert(at);
    }
  }
  for (std::int64_t at = 5; at < image.file_bytes(); at += 997) places.insert(at);
  int outside = 0;
  for (const auto at : places) {
    EXPECT_EQ(changed(at), !has_data_at(image, at)) << "byte " << at;
    outside += has_data_at(image, at) ? 0 : 1;
  }
  EXPECT_GT(outside, 50);
  EXPECT_EQ(digest_of_file(image), whole);
  put(path, text + '\0');
  EXPECT_NE(digest_of_file(image), whole) << "one byte more";
}

TEST(Identity, IsALineForEachParameterShapeAndType) {
  EXPECT_EQ(identity_text(test::numbers_shape(10, 13)),
            "kind\tnumbers\nseed\t7\nscale\t0.5\nthe shape\t10 x 13\n/numbers/values\ttype 0, 1 bytes, 10 elements\n"
            "items\t10\n");
  const auto text = identity_text(table_shape(8));
  for (const auto* line :
       {"input\tnone\n", "rows\t8\n", "scale\t0.1\n", "the shape\t8\n", "/table/text\ttype 6, 11 bytes, 8 elements\n",
        "/table/long\ttype 0, 1 bytes, 21 elements\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  }
  auto finer = table_shape(8);
  finer.attributes[2].second = 0.1 + 1e-16;
  EXPECT_NE(identity_text(finer), text) << "to the last bit of a number";
}

}  // namespace
}  // namespace paceline
