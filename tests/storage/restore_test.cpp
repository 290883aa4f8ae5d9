// Files damaged anywhere outside of their data: an interrupted run is gone on with all the same, a complete file is
// refused. What is damaged within the data belongs to engine/resume.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include <support.hpp>

#include "storage/file_image.hpp"
#include "storage/result_file.hpp"
#include "storage/structure.hpp"

namespace paceline::restore_test {
namespace {

constexpr std::int64_t items = 100;

ResultShape plain_shape() { return test::numbers_shape(items, 13); }

ResultShape table_shape() {
  ResultShape shape;
  shape.path = "/table";
  shape.dims = {items};
  shape.columns = {{"/table/text", ElementType::text, {}, {}, 11, {}},
                   {"/table/number", ElementType::float64, "m", {}, 1, {}}};
  shape.variable = {"/table/body", "/table/body_begin", "/table/body_bytes"};
  shape.origins = std::string("/table/made");
  shape.attributes = {{"input", std::string("none")}};
  return shape;
}

bool was_written(std::int64_t item) { return item < 20 || item % 7 == 0; }

class RestoreTest : public testing::TestWithParam<bool> {  // with variable bytes
 protected:
  void SetUp() override {
    ResultFile::create(path, shape);
    write_items(was_written);
    good = text_of_file();
  }

  std::vector<std::byte> bytes_of(std::int64_t item) const {
    return test::item_bytes(item, static_cast<std::int64_t>(shape.bytes_in({item, item + 1})));
  }
  Pieces pieces_of(std::int64_t item) const {
    return shape.variable && item % 3 != 0 ? Pieces{test::item_bytes(item, 50)} : Pieces{};
  }

  void write_items(const std::function<bool(std::int64_t)>& which) {
    ResultFile file(path, std::nullopt, shape, ResultFile::Access::write);
    for (std::int64_t item = 0; item < items; ++item) {
      if (!which(item)) continue;
      const auto bytes = bytes_of(item);
      const auto pieces = pieces_of(item);
      auto mark = test::mark_of(item, bytes, pieces);
      mark.origin = {0.25, 3, static_cast<std::int32_t>(item)};
      if (!pieces.empty()) {
        mark.begin = 50 * item;
        const VariableRun run{mark.begin, pieces.front()};
        file.write_variable({&run, 1});
      }
      const paceline::Run run{{item, item + 1}, 0, 0};
      file.write({&run, 1}, bytes, {&mark, 1});
    }
    file.close();
  }

  std::string text_of_file() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void put(const std::string& text) const { std::ofstream(path, std::ios::binary | std::ios::trunc) << text; }

  /// Whether the item is there, with its own bytes.
  bool is_whole(const ResultFile& file, std::int64_t item) const {
    const auto mark = file.marks({item, item + 1}).front();
    if (mark.digest == 0) return false;
    std::vector<std::byte> bytes(shape.bytes_in({item, item + 1}));
    file.read({item, item + 1}, bytes);
    Pieces pieces;
    if (mark.begin >= 0) pieces.push_back(file.read_variable(mark.begin, mark.size));
    return digest_of(shape, item, bytes, pieces) == mark.digest && bytes == bytes_of(item) && pieces == pieces_of(item);
  }
  void expect_items(const std::function<bool(std::int64_t)>& which) const {
    const ResultFile file(path, std::nullopt, shape, ResultFile::Access::read);
    for (std::int64_t item = 0; item < items; ++item) ASSERT_EQ(is_whole(file, item), which(item)) << "item " << item;
  }

  /// Parts of the file that are not data, of at most so many bytes each.
  std::vector<Slab> structure(const FileImage& image, std::int64_t most) const {
    std::vector<Slab> parts;
    std::int64_t at = 0;
    const auto cover = [&](std::int64_t end) {
      for (; at < end; at = std::min(end, at + most)) parts.push_back({at, std::min(end, at + most)});
    };
    for (const auto& part : image.data()) {
      cover(part.begin);
      at = part.end;
    }
    cover(std::ssize(good));
    return parts;
  }
  [[nodiscard]] FileImage image_of_file() const {
    std::int64_t room = 0;
    if (shape.variable) room = std::ssize(good) - FileImage(shape, 1).place_of(shape.variable->path).begin;
    return FileImage(shape, room);
  }
  static std::string changed(std::string text, Slab part, const std::function<char(char)>& how) {
    for (auto at = part.begin; at < part.end; ++at) {
      auto& byte = text[static_cast<std::size_t>(at)];
      byte = how(byte);
    }
    return text;
  }

  [[nodiscard]] std::optional<Error> refused() const {
    testing::internal::CaptureStderr();
    auto error = test::error_of([&] { ResultFile::check_complete(path, shape); });
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    if (error) {
      EXPECT_EQ(error->kind(), ErrorKind::input) << error->what();
      EXPECT_TRUE(test::says(*error, path.string())) << error->what();
    }
    return error;
  }

  test::TempFolder folder;
  std::filesystem::path path = folder / "f.h5.part";
  ResultShape shape = GetParam() ? table_shape() : plain_shape();
  std::string good;  ///< the file as the run has left it
};

TEST_P(RestoreTest, FindsAllAfterDamageOutsideOfTheData) {
  const auto image = image_of_file();
  ASSERT_EQ(image.file_bytes(), std::ssize(good));
  const auto flip = [](char byte) { return static_cast<char>(~byte); };
  const auto clear = [](char) { return '\0'; };
  const auto parts = structure(image, 300);
  EXPECT_GT(parts.size(), 10U);
  for (const auto& part : parts) {
    SCOPED_TRACE(fmt::format("bytes {} to {}", part.begin, part.end));
    put(changed(good, part, flip));
    ASSERT_TRUE(ResultFile::restore(path, shape));
    expect_items(was_written);
    if (HasFatalFailure()) return;
  }
  // Pages that a lost node never wrote; and all of them.
  for (const auto& part : structure(image, 4096)) {
    put(changed(good, part, clear));
    ASSERT_TRUE(ResultFile::restore(path, shape));
    expect_items(was_written);
  }
  auto bare = good;
  for (const auto& part : parts) bare = changed(bare, part, flip);
  put(bare);
  EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
  ASSERT_TRUE(ResultFile::restore(path, shape));
  expect_items(was_written);
  // And is gone on with.
  write_items([](std::int64_t item) { return !was_written(item); });
  expect_items([](std::int64_t) { return true; });
  ResultFile::seal(path, shape, {5, {}, {}, {}});
  EXPECT_EQ(ResultFile::check_complete(path, shape), 5U);
  expect_items([](std::int64_t) { return true; });
}

TEST_P(RestoreTest, LosesWhatWasCutOffAndNoMore) {
  const auto image = image_of_file();
  const auto flags = image.place_of(finished_flags_path);
  std::vector<std::int64_t> sizes = {std::ssize(good) - 1, flags.end, flags.begin + items / 2};
  if (GetParam()) sizes.push_back(image.place_of(shape.variable->path).begin + 50 * 10);
  for (const auto size : sizes) {
    SCOPED_TRACE(fmt::format("{} of {} bytes", size, good.size()));
    put(good.substr(0, static_cast<std::size_t>(size)));
    ASSERT_TRUE(ResultFile::restore(path, shape));
    expect_items([&](std::int64_t item) {
      if (!was_written(item)) return false;
      bool is_left = true;
      for (const auto& name : data_paths(shape)) {
        const bool is_variable = shape.variable && name == shape.variable->path;
        if (name == identity_path || (is_variable && pieces_of(item).empty())) continue;
        const auto place = image.place_of(name);
        const auto each = is_variable ? 50 : place.size() / items;
        is_left = is_left && place.begin + each * (item + 1) <= size;
      }
      return is_left;
    });
  }
  // A file of HDF5 without an identity may be anyone's.
  put(good.substr(0, static_cast<std::size_t>(image.identity().begin + 10)));
  EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
  const auto error = test::error_of([&] { ResultFile::restore(path, shape); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
}

// create() writes the signature of HDF5 and the identity last.
TEST_P(RestoreTest, IsOfNothingWhereCreateWasKilled) {
  ResultFile::create(path, shape);
  const auto whole = text_of_file();
  const auto identity = image_of_file().identity();
  for (const auto size : {std::int64_t{0}, std::int64_t{100}, identity.begin, identity.end, std::ssize(whole)}) {
    SCOPED_TRACE(size);
    const auto part = whole.substr(0, static_cast<std::size_t>(size));
    const Slab header{std::min(identity.begin, size), std::min(identity.begin + identity_header, size)};
    const auto clear = [](char) { return '\0'; };
    put(changed(changed(part, header, clear), {0, std::min<std::int64_t>(8, size)}, clear));
    EXPECT_FALSE(ResultFile::has_finished_items(path, shape));
    EXPECT_FALSE(ResultFile::restore(path, shape));
  }
}

TEST_P(RestoreTest, RefusesADamagedIdentityAndKeepsTheFile) {
  const auto identity = image_of_file().identity();
  for (auto at = identity.begin; at < identity.end; ++at) {
    SCOPED_TRACE(fmt::format("byte {} of the identity", at - identity.begin));
    const auto damaged = changed(good, {at, at + 1}, [](char byte) { return static_cast<char>(byte ^ 1); });
    put(damaged);
    // What a complete file says is not believed of one that is under way.
    const Slab of_complete{identity.begin + 56, identity.begin + identity_header};
    if (of_complete.begin <= at && at < of_complete.end) {
      EXPECT_TRUE(ResultFile::restore(path, shape));
      expect_items(was_written);
      continue;
    }
    const auto error = test::error_of([&] { ResultFile::restore(path, shape); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::input) << error->what();
    EXPECT_TRUE(test::says(*error, "damaged")) << error->what();
    EXPECT_TRUE(text_of_file() == damaged) << "there are finished items, which the user may want";
    EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
  }
}

TEST_P(RestoreTest, KnowsWhetherAnythingIsFinished) {
  EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
  auto other = shape;
  other.attributes.emplace_back("more", std::string(300, 'x'));
  other.dims[0] = 3 * items;
  EXPECT_TRUE(ResultFile::has_finished_items(path, other)) << "whatever its parameters were";
  ResultFile::create(path, shape);
  EXPECT_FALSE(ResultFile::has_finished_items(path, shape));
  EXPECT_FALSE(ResultFile::has_finished_items(path, other));
  EXPECT_TRUE(ResultFile::restore(path, shape)) << "a structure, of which nothing is finished";
  expect_items([](std::int64_t) { return false; });
  write_items([](std::int64_t item) { return item == items - 1; });
  EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
}

TEST_P(RestoreTest, HasNothingOfAFormerRunAfterCreate) {
  ResultFile::create(path, shape);
  expect_items([](std::int64_t) { return false; });
}

TEST_P(RestoreTest, GoesOnWithACompleteFile) {
  write_items([](std::int64_t item) { return !was_written(item); });
  ResultFile::seal(path, shape, {5, {}, {{"software", std::string("paceline")}}, {}});
  ASSERT_TRUE(ResultFile::restore(path, shape));
  EXPECT_TRUE(test::error_of([&] { ResultFile::check_complete(path, shape); })) << "it is not complete any more";
  expect_items([](std::int64_t) { return true; });
  ResultFile::seal(path, shape, {6, {}, {}, {}});
  EXPECT_EQ(ResultFile::check_complete(path, shape), 6U);
}

TEST_P(RestoreTest, AcceptsNoCompleteFileThatHasChangedOutsideOfItsData) {
  EXPECT_TRUE(refused()) << "it is not complete";
  write_items([](std::int64_t item) { return !was_written(item); });
  RunTables tables;
  tables.ranks.resize(3);
  const Reduced table{"/run/table", "two by three", {2, 3}, {1, 2, 3, 4, 5, 6}};
  ResultFile::seal(path, shape, {5, tables, {{"command", std::string("paceline numbers")}}, {table}});
  ASSERT_FALSE(refused());
  good = text_of_file();
  std::int64_t used = 0;
  for (std::int64_t item = 0; shape.variable && item < items; ++item) {
    if (!pieces_of(item).empty()) used = 50 * item + 50;
  }
  const FileImage image(shape, used);
  std::vector<std::int64_t> places;
  for (const auto& part : structure(image, 61)) places.push_back(part.begin + part.begin % part.size());
  for (auto at = image.identity().begin; at < image.identity().end; ++at) places.push_back(at);
  EXPECT_GT(places.size(), 200U);
  for (const auto at : places) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at).put(static_cast<char>(good[static_cast<std::size_t>(at)] ^ 0x10)).flush();
    EXPECT_TRUE(refused()) << "byte " << at;
    file.seekp(at).put(good[static_cast<std::size_t>(at)]).flush();
  }
  ASSERT_FALSE(refused());
  put(good + '\0');
  EXPECT_TRUE(refused());
  for (const auto size : {good.size() - 1, good.size() / 2, std::size_t{100}, std::size_t{0}}) {
    put(good.substr(0, size));
    EXPECT_TRUE(refused()) << size << " bytes";
  }
}

TEST_P(RestoreTest, GoesOnWhereverTheLastWriteOfSealingWasCutOff) {
  write_items([](std::int64_t item) { return !was_written(item); });
  const auto before = text_of_file();
  ResultFile::seal(path, shape, {.digest = 7, .tables = {}, .provenance = {}, .reduced = {}});
  const auto sealed = text_of_file();
  const auto at = sealed.find("PACELINE");
  constexpr auto size = static_cast<std::size_t>(identity_header);
  for (std::size_t written = 0; written <= size; ++written) {
    auto torn = sealed;
    torn.replace(at + written, size - written, before.substr(at + written, size - written));
    put(torn);
    const bool is_complete = torn == sealed;
    EXPECT_EQ(!test::error_of([&] { ResultFile::check_complete(path, shape); }), is_complete) << written;
    EXPECT_TRUE(ResultFile::restore(path, shape)) << written;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RestoreTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Table" : "Plain"; });

}  // namespace
}  // namespace paceline::restore_test
