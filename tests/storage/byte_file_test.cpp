#include "storage/byte_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>

#include <support.hpp>

namespace paceline {
namespace {

TEST(ByteFile, IsReadByEachAndByAllTogether) {
  const auto world = Comm::world().duplicate();
  const test::SharedFolder folder(world);
  const auto path = folder / "bytes";
  if (world.rank() == 0) std::ofstream(path) << "0123456789";
  world.barrier();
  EXPECT_EQ(ByteFile::size_of(path), 10);
  const ByteFile own(path);
  const SharedByteFile shared(path, world);
  std::string bytes(3, ' '), together(world.rank() == 1 ? 0U : 4U, ' ');
  own.read(4, bytes);
  EXPECT_EQ(bytes, "456");
  shared.read(world.rank(), together);
  EXPECT_EQ(together, std::string("0123456789").substr(static_cast<std::size_t>(world.rank()), together.size()));

  // A file that becomes shorter, as either sees it.
  const auto alone = test::error_of([&] { own.read(8, bytes); });
  ASSERT_TRUE(alone);
  EXPECT_TRUE(test::says(*alone, "shorter while it was read")) << alone->what();
  const auto among = test::error_of([&] { shared.read(8, bytes); });
  ASSERT_TRUE(among);
  EXPECT_EQ(among->kind(), ErrorKind::input);
}

TEST(ByteFile, ThatIsNoneIsToldInASentence) {
  const auto world = Comm::world().duplicate();
  const test::SharedFolder folder(world);
  for (const auto& [name, why] : {std::pair{"none", "No such file"}, {".", "it is a folder"}}) {
    const auto error = test::error_of([&] { ByteFile::size_of(folder / name); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::input);
    EXPECT_TRUE(test::says(*error, why)) << error->what();
  }
  const auto error = test::error_of([] { ByteFile::size_of("/dev/null"); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "not a regular file")) << error->what();
}

TEST(ByteTarget, TakesItsSpaceAtOnceWhereTheFileSystemCan) {
  const auto world = Comm::world().duplicate();
  const test::SharedFolder folder(world);
  if (world.rank() != 0) return;
  const auto is_on_disk = [](const std::filesystem::path& path) {
    struct statfs system {};
    statfs(path.c_str(), &system);
    return system.f_type != TMPFS_MAGIC;
  };
  const auto probe = folder / "probe";
  const int file = open(probe.c_str(), O_CREAT | O_WRONLY, 0600);
  const bool can_take = is_on_disk(probe) && fallocate(file, 0, 0, 4096) == 0;
  close(file);

  constexpr std::int64_t bytes = 1'000'000;
  const auto path = folder / "target";
  const ByteTarget target(path);
  target.resize(bytes);
  target.reserve(bytes);
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, bytes);
  EXPECT_EQ(status.st_blocks * 512 >= bytes, can_take);
  target.reserve(0);
  if (can_take) {
    const auto error = test::error_of([&] { target.reserve(std::int64_t{1} << 62); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::output);
  }
}

}  // namespace
}  // namespace paceline
