#include "storage/byte_file.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace paceline
