// A copy of FILE at FILE.part is whole or known not to be, and FILE is never touched.
#include "storage/part_copy.hpp"

#include <sys/resource.h>

#include <fstream>

#include <gtest/gtest.h>

#include <support.hpp>

#include "storage/output_path.hpp"

namespace paceline {
namespace {

class PartCopy : public testing::Test {
 protected:
  static void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  test::TempFolder folder;
  std::filesystem::path file = folder / "f.h5";
  std::filesystem::path part = part_of(file);
};

TEST_F(PartCopy, IsTheSame) {
  for (const std::size_t size : {0, 1, 7, 8, 9, 1 << 20, (1 << 20) + 8, 3'000'001}) {
    const auto bytes = test::item_bytes(7, static_cast<std::int64_t>(size));
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!text.empty()) text[0] = 'x';
    put(file, text);
    put(part, std::string(4'000'000, '\0'));  // what a longer one has left
    copy_to_part(file);
    EXPECT_EQ(text_of(part), text) << size;
    EXPECT_EQ(text_of(file), text) << size;
    EXPECT_EQ(is_unfinished_copy(file), size == 0) << size;
  }
}

TEST_F(PartCopy, HasNoBeginningUntilItIsWhole) {
  EXPECT_FALSE(is_unfinished_copy(file)) << "there is neither";
  put(part, "");
  EXPECT_FALSE(is_unfinished_copy(file)) << "of nothing there is no copy";
  put(file, "\x89HDF and so on");
  EXPECT_TRUE(is_unfinished_copy(file));
  put(part, std::string(8, '\0') + "so on");
  EXPECT_TRUE(is_unfinished_copy(file));
  EXPECT_EQ(check_output(file, Existing::resume, 0), Start::complete);
  put(part, "\x89HDF");
  EXPECT_FALSE(is_unfinished_copy(file));
  EXPECT_EQ(check_output(file, Existing::resume, 0), Start::resume);
}

TEST_F(PartCopy, IsNotLeftWhereThereIsNoRoom) {
  put(file, std::string(100'000, 'x'));
  put(part, "");
  struct rlimit old {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  auto small = old;
  small.rlim_cur = 50'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto error = test::error_of([&] { copy_to_part(file); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::output);
  EXPECT_TRUE(test::says(*error, "it needs 100.0 kB")) << error->what();
  EXPECT_FALSE(std::filesystem::exists(part));
  EXPECT_EQ(text_of(file), std::string(100'000, 'x'));
}

}  // namespace
}  // namespace paceline
