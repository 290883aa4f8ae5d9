// What is flagged as finished is believed only where its bytes still have their digest.
#include "engine/resume.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

#include "storage/h5.hpp"

namespace paceline::resume_test {
namespace {

constexpr std::int64_t items = 50, width = 16;

bool was_written(std::int64_t item) { return item < 20 || item % 7 == 0; }

class ResumeTest : public testing::TestWithParam<bool> {  // parallel
 protected:
  void SetUp() override {
    if (world.rank() == 0) {
      ResultFile::create(path, shape);
      ResultFile file(path, std::nullopt, shape, ResultFile::Access::write);
      for (std::int64_t item = 0; item < items; ++item) {
        if (!was_written(item)) continue;
        const auto bytes = test::item_bytes(item, width);
        const auto mark = test::mark_of(item, bytes);
        const paceline::Run run{{item, item + 1}, 0, 0};
        file.write({&run, 1}, bytes, {&mark, 1});
      }
      file.close();
    }
    world.barrier();
  }

  /// Behind our back, as a lost node would.
  void overwrite(const char* dataset, std::int64_t item, hid_t type, const void* data) {
    if (world.rank() == 0) {
      const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "H5Fopen");
      const h5::Handle set(H5Dopen2(file.get(), dataset, H5P_DEFAULT), H5Dclose, "H5Dopen");
      const h5::Handle space(H5Dget_space(set.get()), H5Sclose, "H5Dget_space");
      const hsize_t start[] = {static_cast<hsize_t>(item), 3}, count[] = {1, 1}, one = 1;
      h5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr), "H5Sselect");
      const h5::Handle memory(H5Screate_simple(1, &one, nullptr), H5Sclose, "H5Screate_simple");
      h5::check(H5Dwrite(set.get(), type, memory.get(), space.get(), H5P_DEFAULT, data), "H5Dwrite");
    }
    world.barrier();
  }

  Resumed resumed(std::int64_t memory_limit = 1 << 20) {
    std::optional<ResultFile> file;
    if (GetParam()) {
      file.emplace(path, world, shape, ResultFile::Access::write);
    } else if (world.rank() == 0) {
      file.emplace(path, std::nullopt, shape, ResultFile::Access::write);
    }
    auto found = read_resumed(world, file ? &*file : nullptr, shape, memory_limit);
    if (file) file->close();
    world.barrier();
    return found;
  }

  static void expect_finished(const Resumed& found, const std::function<bool(std::int64_t)>& is_there) {
    ASSERT_EQ(found.finished.size(), static_cast<std::size_t>(items));
    Digest digest;
    std::int64_t count = 0;
    for (std::int64_t item = 0; item < items; ++item) {
      EXPECT_EQ(found.finished[static_cast<std::size_t>(item)], is_there(item) ? 1 : 0) << "item " << item;
      if (!is_there(item)) continue;
      digest.add(item_digest(item, test::item_bytes(item, width)));
      ++count;
    }
    EXPECT_EQ(found.items, count);
    EXPECT_EQ(found.digest.text(), digest.text());
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "numbers.h5.part";
  ResultShape shape = test::numbers_shape(items, width);
};

TEST_P(ResumeTest, FindsWhatIsFinished) {
  for (const std::int64_t limit : {std::int64_t{1}, 4 * 3 * width, std::int64_t{1} << 30}) {
    expect_finished(resumed(limit), was_written);
  }
}

TEST_P(ResumeTest, DoesNotBelieveChangedBytes) {
  const auto changed = static_cast<std::uint8_t>(test::item_bytes(14, width)[3]) ^ 1;
  const auto byte = static_cast<std::uint8_t>(changed);
  overwrite("/numbers/values", 14, H5T_NATIVE_UINT8, &byte);
  overwrite("/numbers/values", 49, H5T_NATIVE_UINT8, &byte);
  expect_finished(resumed(), [](std::int64_t item) { return was_written(item) && item != 14 && item != 49; });
}

TEST_P(ResumeTest, DoesNotBelieveChangedDigestsNorMissingFlags) {
  const std::uint64_t digest = 12345;
  const std::uint8_t flag = 0, noise = 77;
  overwrite("/run/item_digest", 3, H5T_NATIVE_UINT64, &digest);
  overwrite("/run/finished", 5, H5T_NATIVE_UINT8, &flag);
  overwrite("/run/finished", 6, H5T_NATIVE_UINT8, &noise);
  const std::uint8_t set = 1;
  overwrite("/run/finished", 30, H5T_NATIVE_UINT8, &set);  // never written
  expect_finished(resumed(),
                  [](std::int64_t item) { return was_written(item) && item != 3 && item != 5 && item != 6; });
}

INSTANTIATE_TEST_SUITE_P(Files, ResumeTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "OfAllRanks" : "OfRank0"; });

}  // namespace
}  // namespace paceline::resume_test
