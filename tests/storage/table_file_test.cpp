// Texts and tables go into a file and come back; what is damaged or foreign is an error and nothing else.
#include "storage/table_file.hpp"

#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

TableFile some_content() {
  TableFile content;
  content.attributes = {{"software", "paceline"}, {"empty", ""}};
  content.groups = {{"/a", {{"z", "first"}, {"long", std::string(100'000, 'x')}, {"sign", "±\n2"}}}, {"/b", {}}};
  TypedTable table{"/a/rows", "s", {}};
  table.columns = {{"small", CellType::int32, {1, -2, 3}, {}, {}},
                   {"large", CellType::int64, {std::int64_t{1} << 40, 0, -1}, {}, {}},
                   {"real", CellType::float64, {}, {0.1, std::numeric_limits<double>::quiet_NaN(), -1e300}, {}},
                   {"flag", CellType::boolean, {1, 0, 1}, {}, {}},
                   {"text", CellType::text, {}, {}, {"", "two words", "é"}}};
  TypedTable none{"/a/none", "", {{"text", CellType::text, {}, {}, {}}, {"real", CellType::float64, {}, {}, {}}}};
  content.tables = {none, table};
  content.texts = {{"/b/json", "{\"x\": 1}"}, {"/b/nothing", ""}};
  return content;
}

class TableFileTest : public testing::Test {
 protected:
  void expect_refused(const std::string& part) {
    const auto error = test::error_of([&] { read_table_file(path, {"/a", "/b"}); });
    ASSERT_TRUE(error) << part;
    EXPECT_TRUE(test::says(*error, part)) << error->what();
  }
  test::TempFolder folder;
  std::filesystem::path path = folder / "t.h5";
};

TEST_F(TableFileTest, GivesBackWhatWasPutIn) {
  write_table_file(path, ".next", some_content());
  const auto found = read_table_file(path, {"/a", "/b", "/none"});
  const auto expected = some_content();
  EXPECT_EQ(found.attributes, expected.attributes);
  EXPECT_EQ(found.groups, expected.groups);
  EXPECT_EQ(found.texts, expected.texts);
  EXPECT_EQ(found.names, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(found.tables.size(), 2U);
  const auto& table = *found.table("/a/rows");
  EXPECT_EQ(table.units, "s");
  EXPECT_EQ(table.integers("small"), (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_EQ(table.integers("large"), expected.tables[1].integers("large"));
  EXPECT_EQ(table.integers("flag"), (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(table.texts("text"), expected.tables[1].texts("text"));
  EXPECT_EQ(table.numbers("real")[0], 0.1);
  EXPECT_TRUE(std::isnan(table.numbers("real")[1]));
  EXPECT_EQ(found.table("/a/none")->rows(), 0U);
  EXPECT_TRUE(test::error_of([&] { (void)table.numbers("text"); }));
  EXPECT_TRUE(test::error_of([&] { (void)table.texts("nothing"); }));
}

TEST_F(TableFileTest, HasNoVariableLengthTypes) {
  write_table_file(path, ".next", some_content());
  // A global heap begins with these letters, and nothing else of HDF5 does.
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(bytes.find("GCOL"), std::string::npos);
}

TEST_F(TableFileTest, FollowsNoLinkThatLiesInTheWay) {
  const auto other = folder / "other";
  std::ofstream(other) << "mine";
  std::filesystem::create_symlink(other, folder / "t.h5.next");
  write_table_file(path, ".next", some_content());
  std::ifstream file(other);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, "mine");
  EXPECT_FALSE(std::filesystem::exists(folder / "t.h5.next"));
}

TEST_F(TableFileTest, KeepsTheModeOfAFileThatItReplaces) {
  write_table_file(path, ".next", some_content());
  chmod(path.c_str(), 0600);
  write_table_file(path, ".next", some_content());
  struct stat found {};
  stat(path.c_str(), &found);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(TableFileTest, RefusesWhatIsNoFile) {
  mkfifo(path.c_str(), 0600);
  expect_refused("it is a device or a pipe");
  unlink(path.c_str());
  expect_refused("there is no such file");
}

TEST_F(TableFileTest, FollowsNoLinkToAnotherFile) {
  const auto pipe = folder / "pipe";
  mkfifo(pipe.c_str(), 0600);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(file, "/a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Lcreate_external(pipe.c_str(), "/x", file, "/a/samples", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  expect_refused("is a link, which is not followed");
}

TEST_F(TableFileTest, ReadsVariableLengthTextsOfOthers) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "/a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t row = H5Tcreate(H5T_COMPOUND, sizeof(char*));
  H5Tinsert(row, "text", 0, type);
  const hsize_t two = 2;
  const hid_t space = H5Screate_simple(1, &two, nullptr), one = H5Screate(H5S_SCALAR);
  const char* texts[] = {"short", "somewhat longer"};
  const hid_t table = H5Dcreate2(group, "rows", row, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(table, row, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts);
  const hid_t attribute = H5Acreate2(group, "name", type, one, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, texts);
  H5Aclose(attribute);
  H5Dclose(table);
  for (const hid_t id : {space, one}) H5Sclose(id);
  for (const hid_t id : {type, row}) H5Tclose(id);
  H5Gclose(group);
  H5Fclose(file);
  const auto found = read_table_file(path, {"/a"});
  EXPECT_EQ(found.table("/a/rows")->texts("text"), (std::vector<std::string>{"short", "somewhat longer"}));
  EXPECT_EQ(*found.group("/a"), (NamedTexts{{"name", "short"}}));
}

/// By seed: bytes that are flipped, zeroed or cut off. Each read ends, with values or with an error.
TEST_F(TableFileTest, EndsWhateverIsDamaged) {
  write_table_file(path, ".next", some_content());
  std::ifstream file(path, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), {});
  std::mt19937 random(20261129);
  int refused = 0;
  constexpr int mutations = 150;
  for (int i = 0; i < mutations; ++i) {
    auto bytes = whole;
    // The long attribute is most of the file, and its letters matter to nobody.
    const auto place = [&] {
      for (;;) {
        const auto at = random() % bytes.size();
        if (bytes[at] != 'x') return at;
      }
    };
    for (unsigned k = 0; k <= random() % 4; ++k) bytes[place()] = static_cast<char>(random());
    if (i % 5 == 0) std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(place() / 2), 64, '\0');
    if (i % 7 == 0) bytes.resize(place());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto error = test::error_of([&] { read_table_file(path, {"/a", "/b"}); });
    refused += error ? 1 : 0;
  }
  EXPECT_GT(refused, mutations / 10) << "the damage is seen";
}

}  // namespace
}  // namespace paceline
