#include "host/links.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

namespace fs = std::filesystem;

TEST(BehindLinks, IsWhatIsNoLink) {
  const test::TempFolder folder;
  EXPECT_EQ(behind_links(folder / "new.h5"), folder / "new.h5");
  EXPECT_EQ(behind_links("new.h5"), "new.h5");
  std::ofstream(folder / "f.h5") << "text";
  EXPECT_EQ(behind_links(folder / "f.h5"), folder / "f.h5");
}

TEST(BehindLinks, FollowsThemFromFolderToFolder) {
  const test::TempFolder folder;
  fs::create_directories(folder / "a" / "b");
  std::ofstream(folder / "f.h5") << "text";
  fs::create_symlink("b/second.h5", folder / "a" / "first.h5");
  fs::create_symlink("../../f.h5", folder / "a" / "b" / "second.h5");
  EXPECT_TRUE(fs::equivalent(behind_links(folder / "a" / "first.h5"), folder / "f.h5"));
  fs::create_symlink(folder / "f.h5", folder / "absolute.h5");
  EXPECT_EQ(behind_links(folder / "absolute.h5"), folder / "f.h5");
}

TEST(BehindLinks, MayBeMissing) {
  const test::TempFolder folder;
  fs::create_symlink("new.h5", folder / "dangling.h5");
  EXPECT_EQ(behind_links(folder / "dangling.h5"), folder / "new.h5");
}

TEST(BehindLinks, AreNoCircle) {
  const test::TempFolder folder;
  fs::create_symlink("second.h5", folder / "first.h5");
  fs::create_symlink("first.h5", folder / "second.h5");
  const auto error = test::error_of([&] { behind_links(folder / "first.h5"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::output);
  EXPECT_TRUE(test::says(*error, "first.h5")) << error->what();
  EXPECT_TRUE(test::says(*error, "circle")) << error->what();
}

// As many as the system itself follows.
TEST(BehindLinks, MayBeMany) {
  const test::TempFolder folder;
  std::ofstream(folder / "0") << "text";
  for (int k = 1; k <= 40; ++k) fs::create_symlink(std::to_string(k - 1), folder / std::to_string(k).c_str());
  EXPECT_TRUE(fs::exists(folder / "40"));
  EXPECT_EQ(behind_links(folder / "40"), folder / "0");
}

}  // namespace
}  // namespace paceline
