// Numbers from files that others have made: every kind is read as doubles, everything else is refused in words.
#include "storage/input_file.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <support.hpp>

#include "storage/h5.hpp"

namespace paceline {
namespace {

class InputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    if (world.rank() == 0) make();
    world.barrier();
  }

  template <class T>
  static void put(hid_t file, const char* name, hid_t type, hid_t native, const std::vector<T>& values,
                  std::vector<hsize_t> dims = {}) {
    if (dims.empty()) dims = {values.size()};
    const h5::Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose, "space");
    const h5::Handle set(H5Dcreate2(file, name, type, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
                         "H5Dcreate");
    h5::check(H5Dwrite(set.get(), native, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dwrite");
  }

  void make() const {
    const h5::Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "H5Fcreate");
    std::vector<double> doubles;
    std::vector<float> floats;
    std::vector<int> integers;
    for (int i = 0; i < 1001; ++i) {
      doubles.push_back(0.1 * i);
      floats.push_back(0.1F * static_cast<float>(i));
      integers.push_back(i - 500);
    }
    doubles[7] = std::numeric_limits<double>::quiet_NaN();
    doubles[8] = -std::numeric_limits<double>::infinity();
    put(file.get(), "doubles", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, doubles);
    put(file.get(), "big_endian", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, doubles);
    put(file.get(), "floats", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, floats);
    put(file.get(), "int8", H5T_STD_I16BE, H5T_NATIVE_INT, integers);
    put(file.get(), "uint64", H5T_STD_U64LE, H5T_NATIVE_UINT64,
        std::vector<std::uint64_t>{0, 1, std::uint64_t{1} << 53, ~std::uint64_t{0}});
    put(file.get(), "table", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, std::vector<double>(6), {2, 3});
    std::vector<int> cube(60);
    std::iota(cube.begin(), cube.end(), 0);
    put(file.get(), "cube", H5T_STD_I32LE, H5T_NATIVE_INT, cube, {3, 1, 4, 5});
    const h5::Handle pair(H5Tcreate(H5T_COMPOUND, 16), H5Tclose, "H5Tcreate");
    h5::check(H5Tinsert(pair.get(), "re", 0, H5T_NATIVE_DOUBLE), "H5Tinsert");
    h5::check(H5Tinsert(pair.get(), "im", 8, H5T_NATIVE_DOUBLE), "H5Tinsert");
    put(file.get(), "complex", pair.get(), pair.get(), std::vector<double>(4), {2});
    const h5::Handle group(H5Gcreate2(file.get(), "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose, "group");
    put(group.get(), "inner", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, std::vector<double>{4, 2});
  }

  /// All of a dataset, each rank its part.
  std::vector<double> read_all(const std::string& name) const {
    const InputFile file(path, name, {});
    const auto mine = even_part({0, file.elements()}, world.rank(), world.size());
    std::vector<double> values(static_cast<std::size_t>(mine.size()));
    file.read(mine, values);
    std::vector<double> all;
    for (const auto& part : world.gather_all(values)) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  void expect_refused(const std::filesystem::path& file, const std::string& name, const std::string& why) const {
    const auto error = test::error_of([&] { InputFile(file, name, {}); });
    ASSERT_TRUE(error) << name;
    EXPECT_EQ(error->kind(), ErrorKind::input);
    EXPECT_TRUE(test::says(*error, why)) << error->what();
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "in.h5";
};

TEST_F(InputFileTest, ReadsFloatingPointNumbers) {
  for (const char* name : {"/doubles", "big_endian"}) {
    const auto values = read_all(name);
    ASSERT_EQ(values.size(), 1001U);
    EXPECT_TRUE(std::isnan(values[7]));
    EXPECT_EQ(values[8], -std::numeric_limits<double>::infinity());
    for (std::size_t i = 9; i < values.size(); ++i) ASSERT_EQ(values[i], 0.1 * static_cast<double>(i));
  }
  const auto floats = read_all("/floats");
  for (std::size_t i = 0; i < floats.size(); ++i) {
    ASSERT_EQ(floats[i], static_cast<double>(0.1F * static_cast<float>(i)));
  }
}

TEST_F(InputFileTest, ReadsIntegers) {
  const auto values = read_all("/int8");
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], static_cast<double>(i) - 500);
  EXPECT_EQ(read_all("uint64"), (std::vector<double>{0, 1, 0x1p53, 0x1p64})) << "rounded to nearest";
  EXPECT_EQ(read_all("/group/inner"), (std::vector<double>{4, 2}));
}

TEST_F(InputFileTest, ReadsAnyPart) {
  const InputFile file(path, "/doubles", {});
  for (const Slab part : {Slab{0, 1}, Slab{100, 100}, Slab{99, 350}, Slab{1000, 1001}}) {
    std::vector<double> values(static_cast<std::size_t>(part.size()) + 1, 5.0);
    file.read(part, values);
    for (auto i = part.begin; i < part.end; ++i) {
      ASSERT_EQ(values[static_cast<std::size_t>(i - part.begin)], 0.1 * static_cast<double>(i));
    }
    EXPECT_EQ(values.back(), 5.0);
  }
}

TEST_F(InputFileTest, ReadsEveryShapeInRowMajorOrder) {
  const InputFile file(path, "/cube", {});
  EXPECT_EQ(file.extents(), (std::vector<std::int64_t>{3, 4, 5})) << "without what is 1";
  ASSERT_EQ(file.elements(), 60);
  for (std::int64_t begin = 0; begin < 60; ++begin) {
    for (auto end = begin; end <= 60; ++end) {
      std::vector<double> values(static_cast<std::size_t>(end - begin));
      file.read({begin, end}, values);
      for (std::size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(values[i], static_cast<double>(begin) + static_cast<double>(i)) << begin << " to " << end;
      }
    }
  }
}

TEST_F(InputFileTest, SaysWhyItCantRead) {
  expect_refused(path, "/complex", "it holds records");
  expect_refused(path, "/group", "it has no dataset /group");
  expect_refused(path, "/nope", "there is /big_endian, /complex, /cube, /doubles");
  expect_refused(folder / "missing.h5", "/x", "No such file");
  expect_refused(path.parent_path(), "/x", "it is a folder");
  if (world.rank() == 0) {
    std::ofstream(folder / "text.h5") << "no HDF5";
    std::filesystem::copy_file(path, folder / "short.h5");
    std::filesystem::resize_file(folder / "short.h5", 3000);
  }
  world.barrier();
  expect_refused(folder / "text.h5", "/x", "it is not an HDF5 file");
  expect_refused(folder / "short.h5", "/doubles", "can't read");
}

}  // namespace
}  // namespace paceline
