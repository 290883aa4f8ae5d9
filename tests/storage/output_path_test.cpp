#include "storage/output_path.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

class OutputPath : public testing::Test {
 protected:
  void expect_refused(const std::filesystem::path& path, Existing existing, const std::string& part,
                      std::int64_t bytes = 10) {
    const auto error = test::error_of([&] { check_output(path, existing, bytes); });
    ASSERT_TRUE(error) << part;
    EXPECT_EQ(error->kind(), ErrorKind::output);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
  }
  static void put(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  test::TempFolder folder;
  std::filesystem::path file = folder / "f.h5";
};

TEST_F(OutputPath, MayBeNew) {
  for (const auto existing : {Existing::refuse, Existing::overwrite, Existing::resume}) {
    EXPECT_EQ(check_output(file, existing, 10), Start::fresh);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "a look changes nothing";
}

TEST_F(OutputPath, IsNotOverwrittenUnasked) {
  put(file, "old");
  expect_refused(file, Existing::refuse, "--force");
  EXPECT_EQ(check_output(file, Existing::overwrite, 10), Start::fresh);
  EXPECT_EQ(check_output(file, Existing::resume, 10), Start::complete);
  EXPECT_EQ(text_of(file), "old");
}

TEST_F(OutputPath, TellsOfAnInterruptedRun) {
  put(part_of(file), "half");
  expect_refused(file, Existing::refuse, "--resume");
  EXPECT_EQ(check_output(file, Existing::overwrite, 10), Start::fresh);
  EXPECT_EQ(check_output(file, Existing::resume, 10), Start::resume);
  put(file, "old");
  EXPECT_EQ(check_output(file, Existing::resume, 10), Start::resume) << "what is under way comes first";
}

TEST_F(OutputPath, NeedsAFolder) {
  expect_refused(folder / "no" / "f.h5", Existing::refuse, "there is no folder");
  put(folder / "file", "");
  expect_refused(folder / "file" / "f.h5", Existing::overwrite, "is not a folder");
  expect_refused(folder.path(), Existing::overwrite, "it is a folder");
}

TEST_F(OutputPath, MayLieInTheCurrentFolder) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  EXPECT_EQ(check_output("f.h5", Existing::refuse, 10), Start::fresh);
  put("f.h5.part", "half");
  put_in_place(part_of("f.h5"), "f.h5");
  EXPECT_EQ(text_of("f.h5"), "half");
  std::filesystem::current_path(before);
}

TEST_F(OutputPath, NeedsPermission) {
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  // In a process of an ordinary user, since root may do everything.
  EXPECT_EXIT(
      {
        if (geteuid() == 0 && setuid(65534) != 0) std::_Exit(1);
        const auto error = test::error_of([&] { check_output(file, Existing::refuse, 10); });
        std::_Exit(error && error->kind() == ErrorKind::output ? 4 : 0);
      },
      testing::ExitedWithCode(4), "");
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

TEST_F(OutputPath, NeedsSpace) {
  expect_refused(file, Existing::refuse, "are free", std::int64_t{1} << 62);
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  auto limit = before;
  limit.rlim_cur = 1'000'000;
  setrlimit(RLIMIT_FSIZE, &limit);
  expect_refused(file, Existing::refuse, "it needs 2.0 MB, the limit for a file is 1.0 MB", 2'000'000);
  EXPECT_EQ(check_output(file, Existing::refuse, 1'000'000), Start::fresh);
  setrlimit(RLIMIT_FSIZE, &before);
}

TEST_F(OutputPath, IsPublishedUnderItsName) {
  put(part_of(file), "new");
  put(file, "old");
  put_in_place(part_of(file), file);
  EXPECT_EQ(text_of(file), "new");
  EXPECT_FALSE(std::filesystem::exists(part_of(file)));
}

TEST_F(OutputPath, TellsWhenThereIsNothingToPublish) {
  const auto error = test::error_of([&] { put_in_place(part_of(file), file); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::output);
  EXPECT_TRUE(test::says(*error, "No such file")) << error->what();
}

TEST_F(OutputPath, IsWhatALinkPointsTo) {
  std::filesystem::create_directory(folder / "there");
  const auto target = folder / "there" / "t.h5";
  std::filesystem::create_symlink("there/t.h5", file);
  EXPECT_EQ(check_output(file, Existing::refuse, 10), Start::fresh) << "it points to nothing yet";
  EXPECT_EQ(part_of(file), folder / "there/t.h5.part");
  put(part_of(file), "new");
  put_in_place(part_of(file), file);
  EXPECT_TRUE(std::filesystem::is_symlink(file));
  EXPECT_FALSE(std::filesystem::is_symlink(target));
  EXPECT_EQ(text_of(target), "new");
  expect_refused(file, Existing::refuse, "it exists");
  std::filesystem::remove_all(folder / "there");
  expect_refused(file, Existing::refuse, "there is no folder");
}

TEST_F(OutputPath, IsNoCircleOfLinks) {
  std::filesystem::create_symlink(file, folder / "g.h5");
  std::filesystem::create_symlink("g.h5", file);
  for (const auto existing : {Existing::refuse, Existing::overwrite, Existing::resume}) {
    expect_refused(file, existing, "circle");
  }
}

TEST(HumanBytes, HasThreeOrFourDigits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(12e6), "12.0 MB");
  EXPECT_EQ(human_bytes(999.96e6), "1.0 GB");
  EXPECT_EQ(human_bytes(9.2e18), "9.2 EB");
}

}  // namespace
}  // namespace paceline
