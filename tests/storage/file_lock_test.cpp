// Locks: one holder, given back, and not confused by renames.
#include "storage/file_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>

#include <support.hpp>

namespace paceline {
namespace {

using Missing = FileLock::Missing;
using After = FileLock::After;

class FileLocks : public testing::Test {
 protected:
  void take(FileLock& lock, Missing missing = Missing::create, After after = After::keep) {
    lock.take(file, "f.h5", "another run is writing f.h5.part", missing, after);
  }
  bool is_refused() {
    FileLock other;
    const auto error = test::error_of([&] { take(other); });
    if (error) {
      EXPECT_EQ(error->kind(), ErrorKind::output);
      EXPECT_TRUE(test::says(*error, "can't write f.h5 (another run is writing f.h5.part)")) << error->what();
    }
    return error.has_value();
  }

  test::TempFolder folder;
  std::filesystem::path file = folder / "f.h5.part";
};

TEST_F(FileLocks, HaveOneHolder) {
  {
    FileLock lock;
    take(lock);
    EXPECT_TRUE(lock.is_held());
    EXPECT_TRUE(is_refused());
    { std::ifstream opened_and_closed(file); }
    EXPECT_TRUE(is_refused()) << "another close of the file does not end it";
  }
  EXPECT_FALSE(is_refused());
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(FileLocks, LeaveMissingFilesAlone) {
  FileLock lock;
  take(lock, Missing::leave);
  EXPECT_FALSE(lock.is_held());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(FileLocks, AreOfTheFileUnderTheName) {
  FileLock first;
  take(first);
  std::filesystem::rename(file, folder / "f.h5");
  FileLock second;
  take(second);
  EXPECT_TRUE(second.is_held()) << "the published file is nobody's part";
  EXPECT_TRUE(is_refused());
}

TEST_F(FileLocks, RemoveTheirFile) {
  std::optional<FileLock> lock(std::in_place);
  take(*lock, Missing::create, After::remove);
  EXPECT_TRUE(is_refused());
  lock.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(FileLocks, EndWithTheirProcess) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const auto child = fork();
  if (child == 0) {
    FileLock lock;
    take(lock);
    char byte = 1;
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(is_refused());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_refused());
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace paceline
