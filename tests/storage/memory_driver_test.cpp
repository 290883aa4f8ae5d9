#include "storage/memory_driver.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include <support.hpp>

namespace paceline {
namespace {

TEST(PagedMemory, IsZerosWhereNothingWasWritten) {
  PagedMemory memory;
  EXPECT_EQ(memory.size(), 0);
  memory.write(10'000, std::string("abc"));
  std::string bytes(20'000, 'x');
  memory.read(0, bytes);
  std::string expected(20'000, '\0');
  expected.replace(10'000, 3, "abc");
  EXPECT_TRUE(bytes == expected);
}

TEST(PagedMemory, IsLikePlainMemory) {
  constexpr std::int64_t extent = 40'000;
  PagedMemory memory;
  std::string plain(extent, '\0');
  for (std::uint64_t round = 0; round < 500; ++round) {
    // Often on a border of pages.
    auto at = static_cast<std::int64_t>(test::scrambled(3 * round) % extent);
    if (round % 3 == 0) at = std::max<std::int64_t>(0, at / 4096 * 4096 - static_cast<std::int64_t>(round % 2));
    const auto size = std::min(extent - at, static_cast<std::int64_t>(test::scrambled(3 * round + 1) % 9000));
    std::string bytes(static_cast<std::size_t>(size), static_cast<char>(round));
    memory.write(at, bytes);
    plain.replace(static_cast<std::size_t>(at), bytes.size(), bytes);
    const auto from = static_cast<std::int64_t>(test::scrambled(3 * round + 2) % extent);
    std::string read(static_cast<std::size_t>(std::min<std::int64_t>(extent - from, 9000)), 'x');
    memory.read(from, read);
    ASSERT_TRUE(read == plain.substr(static_cast<std::size_t>(from), read.size())) << "round " << round;
  }
}

TEST(PagedMemory, ReachesFarWithoutTheMemoryBetween) {
  PagedMemory memory;
  const auto far = std::int64_t{1} << 60;
  memory.write(far - 1, std::string("xy"));
  std::string bytes(4, 'a');
  memory.read(far - 2, bytes);
  EXPECT_EQ(bytes, std::string("\0xy\0", 4));
  memory.resize(far);
  EXPECT_EQ(memory.size(), far);
}

class MemoryDriver : public testing::Test {
 protected:
  MemoryDriver() { h5::be_quiet(); }

  /// A file with a group, an attribute, and a dataset of which nothing is written.
  void make(hsize_t elements) {
    const auto access = access_in_memory(memory);
    h5::Handle file(H5Fcreate("any", H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose, "H5Fcreate");
    const auto creation = h5::properties(H5P_DATASET_CREATE);
    h5::check(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY), "H5Pset_alloc_time");
    h5::check(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER), "H5Pset_fill_time");
    const auto space = h5::simple_space({elements});
    h5::Handle set(H5Dcreate2(file.get(), "x", H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                   H5Dclose, "H5Dcreate");
    h5::set_attribute(set.get(), "units", std::string("m"));
    place = static_cast<std::int64_t>(H5Dget_offset(set.get()));
    set.close("H5Dclose");
    file.close("H5Fclose");
  }

  PagedMemory memory;
  std::int64_t place = 0;
};

TEST_F(MemoryDriver, KeepsAFileFromOpenToOpen) {
  make(10);
  const auto access = access_in_memory(memory);
  {
    const h5::Handle file(H5Fopen("another name", H5F_ACC_RDWR, access.get()), H5Fclose, "H5Fopen");
    const auto set = h5::open_dataset(file.get(), "x");
    EXPECT_EQ(h5::get_attribute(set.get(), "units", std::string()), AttributeValue("m"));
    h5::set_attribute(file.get(), "more", std::int64_t{7});
  }
  const h5::Handle file(H5Fopen("any", H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen");
  EXPECT_EQ(h5::get_attribute(file.get(), "more", std::int64_t{}), AttributeValue(std::int64_t{7}));
}

TEST_F(MemoryDriver, IsTheSameFileOnTheDisk) {
  make(10);
  const test::TempFolder folder;
  std::string bytes(static_cast<std::size_t>(memory.size()), '\0');
  memory.read(0, bytes);
  std::ofstream(folder / "f.h5", std::ios::binary) << bytes;
  const h5::Handle file(H5Fopen((folder / "f.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
  const auto set = h5::open_dataset(file.get(), "x");
  EXPECT_EQ(h5::get_attribute(set.get(), "units", std::string()), AttributeValue("m"));
  EXPECT_EQ(static_cast<std::int64_t>(H5Dget_offset(set.get())), place);
}

TEST_F(MemoryDriver, HoldsFilesLargerThanAnyMemory) {
  const hsize_t elements = hsize_t{1} << 50;
  make(elements);
  EXPECT_GT(memory.size(), static_cast<std::int64_t>(elements) * 8);
  const auto access = access_in_memory(memory);
  const h5::Handle file(H5Fopen("any", H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen");
  EXPECT_EQ(h5::get_attribute(h5::open_dataset(file.get(), "x").get(), "units", std::string()), AttributeValue("m"));
}

TEST_F(MemoryDriver, OfNothingIsNoFile) {
  const auto access = access_in_memory(memory);
  EXPECT_TRUE(test::error_of(
      [&] { const h5::Handle file(H5Fopen("any", H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen"); }));
}

}  // namespace
}  // namespace paceline
