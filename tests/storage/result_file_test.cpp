// Result files: written by all ranks together or by one, read back, refused when they are not what was asked for.
#include "storage/result_file.hpp"

#include <hdf5_hl.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>

#include <paceline/digest.hpp>
#include <support.hpp>

#include "storage/h5.hpp"

namespace paceline {
namespace {

using test::numbers_shape;

constexpr std::int64_t width = 13;
const Provenance provenance = {{"software", std::string("paceline")}, {"command", std::string("paceline numbers")}};

/// A rank's part of a write, bytes and marks as they must be read back.
struct Part {
  std::vector<Run> runs;
  std::vector<std::byte> bytes;
  std::vector<ItemMark> marks;

  /// `gap` items of the buffers lie unused before each run.
  explicit Part(const std::vector<Slab>& slabs, std::int64_t gap = 0) {
    for (const auto& slab : slabs) {
      ItemMark none;
      none.digest = 13;
      for (std::int64_t i = 0; i < gap; ++i) add(std::vector<std::byte>(width, std::byte{0xee}), none);
      runs.push_back({slab, std::ssize(marks), std::ssize(bytes)});
      for (auto item = slab.begin; item < slab.end; ++item) {
        const auto item_bytes = test::item_bytes(item, width);
        add(item_bytes, test::mark_of(item, item_bytes));
      }
    }
  }
  void add(const std::vector<std::byte>& item, const ItemMark& mark) {
    bytes.insert(bytes.end(), item.begin(), item.end());
    marks.push_back(mark);
  }
  void write_to(ResultFile& file) const { file.write(runs, bytes, marks); }
};

class ResultFileTest : public testing::Test {
 protected:
  void create(std::int64_t items) {
    if (world.rank() == 0) ResultFile::create(path, numbers_shape(items, width));
    world.barrier();
  }
  ResultFile open(std::int64_t items, ResultFile::Access access = ResultFile::Access::write) {
    return {path, world, numbers_shape(items, width), access};
  }
  /// By rank 0 alone: items in `there` are whole and flagged, others are not.
  void expect_holds(std::int64_t items, const std::function<bool(std::int64_t)>& there) {
    world.barrier();
    if (world.rank() == 0) {
      const ResultFile file(path, std::nullopt, numbers_shape(items, width), ResultFile::Access::read);
      const auto marks = file.marks({0, items});
      for (std::int64_t item = 0; item < items; ++item) {
        std::vector<std::byte> bytes(width);
        file.read({item, item + 1}, bytes);
        const auto expected = test::item_bytes(item, width);
        if (there(item)) {
          EXPECT_EQ(bytes, expected) << "item " << item;
        }
        EXPECT_EQ(marks[static_cast<std::size_t>(item)].digest, there(item) ? item_digest(item, expected) : 0U) << item;
      }
    }
    world.barrier();
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "numbers.h5.part";
};

TEST_F(ResultFileTest, IsWrittenByAllRanksCollectively) {
  create(100);
  auto file = open(100);
  Part({even_part({0, 100}, world.rank(), world.size())}).write_to(file);
  EXPECT_EQ(file.io_mode(), "collective");
  file.close();
  expect_holds(100, [](std::int64_t) { return true; });
}

TEST_F(ResultFileTest, IsWrittenInManyRunsFromABufferWithGaps) {
  // Every rank has the items that are its own modulo the ranks, two at a time.
  create(101);
  auto file = open(101);
  for (int half = 0; half < 2; ++half) {
    std::vector<Slab> mine;
    for (std::int64_t item = 2 * world.rank(); item < 101; item += 2 * world.size()) {
      if (item % 3 == 0 || (item < 50) != (half == 0)) continue;
      mine.push_back({item, std::min(item + 2, std::int64_t{101})});
    }
    Part(mine, 2).write_to(file);
    EXPECT_EQ(file.io_mode(), "collective");
  }
  file.close();
  expect_holds(101, [](std::int64_t item) { return item / 2 * 2 % 3 != 0; });
}

TEST_F(ResultFileTest, IsWrittenCollectivelyWhereOnlySomeRanksHaveItems) {
  create(40);
  auto file = open(40);
  const int last = world.size() - 1;
  for (std::int64_t step = 0; step < 4; ++step) {
    // The last rank alone, then rank 0 alone, then nobody.
    const Slab slab{step * 10, step * 10 + 10};
    const bool is_mine = (step == 0 && world.rank() == last) || (step == 1 && world.rank() == 0);
    Part(is_mine ? std::vector<Slab>{slab} : std::vector<Slab>{}).write_to(file);
    if (step < 2) {
      EXPECT_EQ(file.io_mode(), "collective") << "step " << step;
    }
  }
  file.close();
  expect_holds(40, [](std::int64_t item) { return item < 20; });
}

TEST_F(ResultFileTest, IsWrittenByOneRankAlone) {
  create(30);
  if (world.rank() == 0) {
    ResultFile file(path, std::nullopt, numbers_shape(30, width), ResultFile::Access::write);
    EXPECT_EQ(file.io_mode(), "serial");
    Part({{3, 9}, {20, 21}}, 1).write_to(file);
    EXPECT_EQ(file.io_mode(), "serial");
    file.close();
  }
  expect_holds(30, [](std::int64_t item) { return (item >= 3 && item < 9) || item == 20; });
}

TEST_F(ResultFileTest, ReadsOnDifferentRanksAreTheirOwn) {
  create(20);
  auto file = open(20);
  Part({even_part({0, 20}, world.rank(), world.size())}).write_to(file);
  world.barrier();
  // As many reads as the rank's number: none may wait for another rank.
  for (int i = 0; i < world.rank(); ++i) {
    std::vector<std::byte> bytes(width);
    file.read({i, i + 1}, bytes);
    EXPECT_EQ(bytes, test::item_bytes(i, width));
    EXPECT_NE(file.marks({i, i + 1}).front().digest, 0U);
  }
  file.close();
}

TEST_F(ResultFileTest, HoldsEveryElementType) {
  using enum ElementType;
  for (const auto type : {uint8, uint16, uint32, uint64, int64, float64}) {
    auto shape = numbers_shape(6, 2);
    shape.dims = {6, 3, 2};
    shape.type = type;
    if (world.rank() == 0) ResultFile::create(path, shape);
    world.barrier();
    ResultFile file(path, world, shape, ResultFile::Access::write);
    std::vector<std::byte> bytes(shape.bytes_in({0, 6}));
    test::fill_item(1, bytes);
    const std::vector<ItemMark> marks(6, test::mark_of(0, bytes));
    const paceline::Run all{{0, 6}, 0, 0};
    file.write(world.rank() == 0 ? std::span(&all, 1) : std::span<const paceline::Run>(), bytes, marks);
    file.close();
    ResultFile again(path, world, shape, ResultFile::Access::read);
    std::vector<std::byte> read(bytes.size());
    again.read({0, 6}, read);
    // Any bits but a signalling NaN's come back as they were.
    EXPECT_EQ(read, bytes) << "type " << static_cast<int>(type);
    again.close();
  }
}

TEST_F(ResultFileTest, SealsWithDigestAndTables) {
  create(4);
  if (world.rank() == 0) {
    RunTables tables;
    tables.ranks.resize(3);
    tables.ranks[2].rank = 2;
    tables.ranks[2].compute_s = 1.5;
    tables.threads = 2;
    tables.busy_s = {1, 2, 3, 4, 5, 6};
    const auto shape = numbers_shape(4, width);
    EXPECT_EQ(test::error_of([&] { ResultFile::check_complete(path, shape); })->kind(), ErrorKind::input);
    const Reduced number{"/numbers/sum", "sum of all", {}, {2.5}};
    const Reduced table{"/numbers/table", "two by three", {2, 3}, {1, 2, 3, 4, 5, 6}};
    ResultFile::seal(path, shape, {0x0123456789abcdef, tables, provenance, {number, table}});
    EXPECT_EQ(ResultFile::check_complete(path, shape), 0x0123456789abcdefU);
    EXPECT_EQ(test::error_of([&] { ResultFile::check_complete(path, numbers_shape(5, width)); })->kind(),
              ErrorKind::input);

    const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
    EXPECT_EQ(h5::get_attribute(file.get(), "software", std::string()), AttributeValue("paceline"));
    EXPECT_EQ(h5::get_attribute(file.get(), "digest", std::string()), AttributeValue("0123456789abcdef"));
    double sum = 0, values[6] = {};
    h5::check(H5LTread_dataset_double(file.get(), "/numbers/sum", &sum), "H5LTread_dataset_double");
    EXPECT_EQ(sum, 2.5);
    h5::check(H5LTread_dataset_double(file.get(), "/numbers/table", values), "H5LTread_dataset_double");
    EXPECT_EQ(values[5], 6.0);
    hsize_t dims[2] = {};
    h5::check(H5LTget_dataset_info(file.get(), "/run/threads", dims, nullptr, nullptr), "H5LTget_dataset_info");
    EXPECT_EQ(dims[0], 3U);
    EXPECT_EQ(dims[1], 2U);
    double busy[6] = {};
    h5::check(H5LTread_dataset_double(file.get(), "/run/threads", busy), "H5LTread_dataset_double");
    EXPECT_EQ(busy[5], 6.0);
    const h5::Handle ranks(H5Dopen2(file.get(), "/run/ranks", H5P_DEFAULT), H5Dclose, "H5Dopen");
    const h5::Handle column(H5Tcreate(H5T_COMPOUND, 8), H5Tclose, "H5Tcreate");
    h5::check(H5Tinsert(column.get(), "compute_s", 0, H5T_NATIVE_DOUBLE), "H5Tinsert");
    double compute_s[3] = {};
    h5::check(H5Dread(ranks.get(), column.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, compute_s), "H5Dread");
    EXPECT_EQ(compute_s[2], 1.5);
    EXPECT_EQ(h5::get_attribute(ranks.get(), "units", std::string()), AttributeValue("s"));
  }
  world.barrier();
}

TEST_F(ResultFileTest, MarksAnImageWithItsAxes) {
  if (world.rank() == 0) {
    auto shape = numbers_shape(3, 2);
    shape.is_image = true;
    shape.image = {20, std::vector<std::uint8_t>(768, 7)};
    shape.axes = {{"/numbers/im", "imaginary part", {1, 2, 3}}, {"/numbers/re", "real part", {4, 5}}};
    ResultFile::create(path, shape);
    const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
    EXPECT_EQ(H5IMis_image(file.get(), "/numbers/values"), 1);
    hssize_t palettes = 0;
    h5::check(H5IMget_npalettes(file.get(), "/numbers/values", &palettes), "H5IMget_npalettes");
    EXPECT_EQ(palettes, 1);
    const h5::Handle data(H5Dopen2(file.get(), "/numbers/values", H5P_DEFAULT), H5Dclose, "H5Dopen");
    const h5::Handle re(H5Dopen2(file.get(), "/numbers/re", H5P_DEFAULT), H5Dclose, "H5Dopen");
    EXPECT_EQ(H5DSis_scale(re.get()), 1);
    EXPECT_EQ(H5DSis_attached(data.get(), re.get(), 1), 1);
    EXPECT_EQ(H5DSis_attached(data.get(), re.get(), 0), 0);
  }
  world.barrier();
}

// A wrong file is refused in a sentence, without HDF5's own words.
class WrongFile : public ResultFileTest {
 protected:
  void expect_told(const std::optional<Error>& error, const std::string& part) {
    ASSERT_TRUE(error) << part;
    EXPECT_EQ(error->kind(), ErrorKind::input);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
    EXPECT_TRUE(test::says(*error, path.string())) << error->what();
  }
  /// By all ranks that open it.
  void expect_refused(const ResultShape& shape, const std::string& part) {
    world.barrier();
    for (const bool parallel : {true, false}) {
      testing::internal::CaptureStderr();
      const auto error = test::error_of([&] {
        const auto comm = parallel ? std::optional(world) : std::nullopt;
        const ResultFile file(path, comm, shape, ResultFile::Access::read);
      });
      EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "parallel: " << parallel;
      expect_told(error, part);
    }
    world.barrier();
  }
  /// Of a run that is resumed, and of a complete file. By rank 0 alone; the file stays as it is.
  void expect_other_run(const ResultShape& shape, const std::string& part) {
    const auto before = text_of(path);
    testing::internal::CaptureStderr();
    const auto resumed = test::error_of([&] { ResultFile::restore(path, shape); });
    const auto complete = test::error_of([&] { ResultFile::check_complete(path, shape); });
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    expect_told(resumed, part);
    expect_told(complete, part);
    EXPECT_TRUE(text_of(path) == before);
  }
  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void put(const std::string& text) {
    if (world.rank() == 0) std::ofstream(path) << text;
  }
};

TEST_F(WrongFile, OfAnotherShapeOrRun) {
  if (world.rank() == 0) {
    const auto right = numbers_shape(10, width);
    ResultFile::create(path, right);
    for (const bool is_sealed : {false, true}) {
      if (is_sealed) ResultFile::seal(path, right, {1, {}, provenance, {}});
      expect_other_run(numbers_shape(11, width), "the shape is 10 x 13 there and 11 x 13 here");
      auto shape = right;
      shape.attributes[1].second = std::int64_t{8};
      expect_other_run(shape, "seed is 7 there and 8 here");
      shape = right;
      shape.attributes[2].second = 0.25;
      expect_other_run(shape, "scale is 0.5 there and 0.25 here");
      shape = right;
      shape.attributes[0].second = std::string("letters");
      expect_other_run(shape, "kind is numbers there and letters here");
      shape = right;
      shape.attributes.emplace_back("new", std::int64_t{1});
      expect_other_run(shape, "belongs to another run");
      shape = right;
      shape.attributes.pop_back();
      expect_other_run(shape, "belongs to another run");
      shape = right;
      shape.type = ElementType::uint16;
      expect_other_run(shape, "/numbers/values is type");
      shape = right;
      shape.path = "/letters/values";
      expect_other_run(shape, "belongs to another run");
    }
  }
  world.barrier();
}

TEST_F(WrongFile, WithAnIdentityThatIsCutOffInAName) {
  if (world.rank() == 0) {
    const auto right = numbers_shape(10, width);
    ResultFile::create(path, right);
    auto bytes = text_of(path);
    const auto at = bytes.find("seed\t7");
    ASSERT_NE(at, std::string::npos);
    bytes[at + 4] = 0;
    put(bytes);
    auto shape = right;
    shape.attributes[1].second = std::int64_t{8};
    expect_other_run(shape, "belongs to another run");
  }
  world.barrier();
}

TEST_F(WrongFile, ThatIsNoHdf5) {
  put("");
  expect_refused(numbers_shape(10, width), "damaged or not a result");
  put("rows,cols\n4000,3000\n");
  expect_refused(numbers_shape(10, width), "damaged or not a result");
  put("\x89HDF\r\n\x1a\n and no more of it");
  expect_refused(numbers_shape(10, width), "damaged or not a result");
}

TEST_F(WrongFile, ThatIsNoResultIsNeverComplete) {
  if (world.rank() == 0) {
    const auto shape = numbers_shape(10, width);
    std::string noise(100'000, '\0');
    for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(test::scrambled(i));
    for (const auto& text : {std::string(), std::string("rows,cols\n4000,3000\n"), noise}) {
      put(text);
      expect_told(test::error_of([&] { ResultFile::check_complete(path, shape); }), "damaged or not a result");
    }
    // What is no HDF5 either has nothing to lose.
    for (const auto& text : {std::string(), std::string("rows,cols\n4000,3000\n"), noise}) {
      put(text);
      EXPECT_FALSE(ResultFile::has_finished_items(path, shape));
      EXPECT_FALSE(ResultFile::restore(path, shape));
    }
    noise.replace(0, 8, "\x89HDF\r\n\x1a\n");
    put(noise);
    EXPECT_TRUE(ResultFile::has_finished_items(path, shape));
    expect_told(test::error_of([&] { ResultFile::restore(path, shape); }), "it has no identity");
    EXPECT_TRUE(text_of(path) == noise);
  }
  world.barrier();
}

TEST_F(WrongFile, ThatIsMissing) {
  expect_refused(numbers_shape(10, width), "damaged or not a result");
  for (const auto& error : {test::error_of([&] { ResultFile::restore(path, numbers_shape(10, width)); }),
                            test::error_of([&] { ResultFile::check_complete(path, numbers_shape(10, width)); })}) {
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::input);
  }
}

TEST_F(WrongFile, ThatIsTruncatedAnywhere) {
  create(1000);
  const auto whole = std::filesystem::file_size(path);
  for (const auto part : {whole - 1, whole / 2, whole / 8, std::uintmax_t{100}}) {
    world.barrier();
    if (world.rank() == 0) std::filesystem::resize_file(path, part);
    expect_refused(numbers_shape(1000, width), "damaged or not a result");
  }
}

/// As if the disk had only so much space, for this process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  struct rlimit before_ {};
};

TEST_F(ResultFileTest, ThatCantBeCreatedIsToldInASentence) {
  if (world.rank() == 0) {
    testing::internal::CaptureStderr();
    const auto nowhere =
        test::error_of([&] { ResultFile::create(folder / "no" / "such" / "folder.h5", numbers_shape(10, width)); });
    const auto full = test::error_of([&] {
      const FileSizeLimit limit(1000);
      ResultFile::create(path, numbers_shape(100'000, width));
    });
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    for (const auto& error : {nowhere, full}) {
      ASSERT_TRUE(error);
      EXPECT_EQ(error->kind(), ErrorKind::output);
      EXPECT_TRUE(test::says(*error, "can't write")) << error->what();
    }
    EXPECT_TRUE(test::says(*nowhere, "No such file or directory")) << nowhere->what();
    EXPECT_TRUE(test::says(*full, "File too large")) << full->what();
  }
  world.barrier();
}

// The disk is full for all ranks, or for one of several nodes: those that fail say so, and nobody waits for ever.
TEST_F(ResultFileTest, OnAFullDiskIsToldAndEnds) {
  constexpr std::int64_t items = 20'000;
  for (const bool everywhere : {true, false}) {
    create(items);
    auto file = open(items);
    const bool is_full = everywhere || world.rank() == world.size() - 1;
    testing::internal::CaptureStderr();
    {
      std::optional<FileSizeLimit> limit;
      if (is_full) limit.emplace(8192);
      const Part part({even_part({0, items}, world.rank(), world.size())});
      for (int step = 0; step < 2; ++step) {
        const auto error = test::error_of([&] { part.write_to(file); });
        EXPECT_EQ(error.has_value(), is_full) << (error ? error->what() : "");
        if (error) {
          EXPECT_EQ(error->kind(), ErrorKind::output);
          EXPECT_TRUE(test::says(*error, "can't write")) << error->what();
        }
      }
      // The structure lies at the beginning and end of the file, as far as it was changed.
      test::error_of([&] { file.close(); });
    }
    // Open MPI adds words of its own.
    EXPECT_EQ(testing::internal::GetCapturedStderr().find("HDF5"), std::string::npos);
    const auto mine = even_part({0, items}, world.size() - 1, world.size());
    if (!everywhere) expect_holds(items, [&](std::int64_t item) { return item < mine.begin; });
    world.barrier();
  }
}

// What can't be brought to the disk must not bring the program down later, when MPI is finalised.
TEST_F(ResultFileTest, OfOneRankOnAFullDiskIsToldAndEnds) {
  constexpr std::int64_t items = 20'000;
  create(items);
  if (world.rank() == 0) {
    testing::internal::CaptureStderr();
    {
      const FileSizeLimit limit(8192);
      ResultFile file(path, std::nullopt, numbers_shape(items, width), ResultFile::Access::write);
      for (const auto& slab : {Slab{0, 3}, Slab{10'000, 10'010}, Slab{100, items}}) {
        const auto error = test::error_of([&] { Part({slab}).write_to(file); });
        ASSERT_TRUE(error) << slab.begin;
        EXPECT_EQ(error->kind(), ErrorKind::output);
      }
      test::error_of([&] { file.close(); });
    }
    for (const rlim_t bytes : {100U, 4096U, 270'000U}) {
      const FileSizeLimit limit(bytes);
      RunTables tables;
      tables.ranks.resize(10'000);
      const auto error = test::error_of([&] {
        ResultFile::seal(path, numbers_shape(items, width), {1, tables, provenance, {}});
      });
      ASSERT_TRUE(error);
      EXPECT_EQ(error->kind(), ErrorKind::output);
      EXPECT_TRUE(test::says(*error, "File too large")) << error->what();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  }
  world.barrier();
}

TEST(Hdf5Version, SaysThatItIsParallel) { EXPECT_NE(hdf5_version().find("(parallel)"), std::string::npos); }

}  // namespace
}  // namespace paceline
