// Results that are tables, computed, gathered, written and read back: uneven items, fixed and variable columns.
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

#include "engine/compute.hpp"
#include "engine/resume.hpp"
#include "engine/verify.hpp"
#include "engine/writer.hpp"
#include "storage/h5.hpp"

namespace paceline {
namespace {

constexpr std::int64_t items = 200;

/// Row r: an integer, a byte and, if it is asked for, a text and bytes of very different lengths. Item i has i % 5
/// rows.
class Table : public test::Numbers {
 public:
  explicit Table(bool is_variable) : Numbers(1, 1), is_variable_(is_variable) {
    shape_.path = "/table";
    shape_.columns = {{"/table/number", ElementType::int64, "m", {{"missing", std::int64_t{0}}}},
                      {"/table/byte", ElementType::uint8, {}, {}}};
    if (is_variable) {
      shape_.columns.insert(shape_.columns.begin(), {"/table/text", ElementType::text, {}, {}});
      shape_.columns.push_back({"/table/body", ElementType::bytes, {}, {}});
    }
    shape_.starts = {0};
    for (std::int64_t item = 0; item < items; ++item) shape_.starts.push_back(shape_.starts.back() + item % 5);
    shape_.dims = {shape_.starts.back()};
    shape_.variable_bytes = is_variable ? 1000 : 0;
    shape_.records = std::string(is_variable ? "/table/made" : "");
    shape_.attributes = {{"input", std::string("none")}};
  }
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }

  static std::int64_t number(std::int64_t row) { return row * row - 7; }
  static std::uint8_t byte(std::int64_t row) { return static_cast<std::uint8_t>(test::scrambled(row + 1U) & 0xff); }
  static std::string text(std::int64_t row) {
    std::string text;
    for (std::int64_t i = 0; i < row % 70; ++i) text += "ü" + std::to_string(row);
    return text;
  }
  static std::string body(std::int64_t row) { return std::string(static_cast<std::size_t>(row * 37 % 3000), '\0'); }

  Work compute(Slab slab, Operands /*none*/, std::span<std::byte> bytes) const override {
    EXPECT_EQ(slab.size(), 1);
    EXPECT_EQ(bytes.size(), shape_.bytes_in(slab));
    const auto rows = shape_.rows_of(slab);
    for (auto row = rows.begin; row < rows.end; ++row) {
      const auto at = static_cast<std::size_t>(row - rows.begin);
      const auto value = number(row);
      std::memcpy(&bytes[8 * at], &value, 8);
      bytes[8 * static_cast<std::size_t>(rows.size()) + at] = std::byte{byte(row)};
    }
    return {1, 1};
  }
  void compute_reference(Slab slab, Operands none, std::span<std::byte> bytes) const override {
    compute(slab, none, bytes);
  }
  Work compute_parcel(std::int64_t item, Operands /*none*/, std::vector<std::byte>& parcel) const override {
    ParcelWriter writer(shape_);
    const auto rows = shape_.rows_of({item, item + 1});
    for (auto row = rows.begin; row < rows.end; ++row) {
      writer.add_text(0, text(row));
      writer.add(1, number(row));
      writer.add(2, byte(row));
      writer.add_text(3, body(row));
    }
    parcel = writer.take();
    return {1, 1};
  }
  void compute_parcel_reference(std::int64_t item, Operands none, std::vector<std::byte>& parcel) const override {
    compute_parcel(item, none, parcel);
  }

 private:
  bool is_variable_;
  ResultShape shape_;
};

class TablesTest : public testing::TestWithParam<bool> {  // variable
 protected:
  void SetUp() override {
    if (world.rank() == 0) ResultFile::create(path, table.shape(), {});
    world.barrier();
  }

  struct Outcome {
    std::int64_t computed = 0;
    std::int64_t resumed = 0;
    std::int64_t failed = 0;
    std::uint64_t digest = 0;
  };

  Outcome run(Schedule schedule, Gather gather, std::int64_t parcel_limit, std::int64_t stop_after = -1,
              const IsSettled& is_settled = {}) {
    PlanRequest request;
    request.items = items;
    request.bytes_per_item = table.shape().bytes_per_item() + 8;
    request.ranks = world.size();
    request.threads = 2;
    request.schedule = schedule;
    request.gather = GetParam() ? Gather::root : gather;
    request.memory_limit = (3 + world.size()) * request.bytes_per_item * 20;
    request.costs.assign(sample_items(items, world.size()).size(), 1.0);
    const Plan plan(request);
    const Board board(world.split_node());
    std::optional<ResultFile> file;
    if (request.gather == Gather::parallel) {
      file.emplace(path, world.duplicate(), table.shape(), ResultFile::Access::write);
    } else if (world.rank() == 0) {
      file.emplace(path, std::nullopt, table.shape(), ResultFile::Access::write);
    }
    const auto resumed = read_resumed(world, file ? &*file : nullptr, table.shape(), 1 << 20, is_settled);
    const auto comm = world.duplicate();
    const auto dispenser = make_dispenser(plan, comm, board);
    std::optional<Bands> bands;
    if (GetParam()) {
      bands.emplace(plan, world.rank(), request.threads, parcel_limit);
    } else {
      bands.emplace(plan, world.rank(), table.shape().bytes_per_item(), request.threads);
    }
    Gatherer gatherer(plan, comm, table.shape().bytes_per_item());
    Inputs inputs(plan, table, world, board.node());
    WriterResult written;
    std::thread writer([&] {
      written = write_bands(plan, comm, inputs, *bands, board, *dispenser, &gatherer, file ? &*file : nullptr, [&] {
        if (stop_after >= 0 && board.shared().items_done >= stop_after) board.stop();
      });
    });
    const auto computed = compute(plan, table, inputs, *dispenser, *bands, board, resumed.finished);
    writer.join();
    EXPECT_FALSE(computed.error) << computed.error->what();
    EXPECT_FALSE(written.error) << written.error->what();
    if (file) file->close();
    world.barrier();
    return {world.reduce_all(computed.items, MPI_SUM), resumed.items, resumed.failed,
            world.reduce_all(computed.digest.sum(), MPI_SUM) + resumed.digest.sum()};
  }

  void verify_file() {
    const ResultFile file(path, std::nullopt, table.shape(), ResultFile::Access::read);
    if (GetParam()) {
      verify_parcels(table, [&](std::int64_t item) { return file.read_parcel(item); });
    } else {
      verify(
          table, [&](Slab slab, std::span<std::byte> bytes) { file.read(slab, bytes); }, 2, 1000);
    }
  }

  /// Rows that are not finished refer to what others have, or to what is not there.
  void leave_references() {
    constexpr std::size_t width = 16;  // of a reference: length, address, index
    const auto finished =
        ResultFile(path, std::nullopt, table.shape(), ResultFile::Access::read).finished_digests({0, items});
    std::vector<std::int64_t> places;
    {
      const h5::Handle raw(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
      for (const auto* name : {"/table/text", "/table/body"}) {
        const h5::Handle set(H5Dopen2(raw.get(), name, H5P_DEFAULT), H5Dclose, "H5Dopen");
        ASSERT_EQ(H5Dget_storage_size(set.get()), width * static_cast<std::size_t>(table.shape().rows()));
        places.push_back(static_cast<std::int64_t>(H5Dget_offset(set.get())));
      }
    }
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    const auto at = [](std::int64_t place, std::int64_t row) { return place + row * static_cast<std::int64_t>(width); };
    for (const auto place : places) {
      std::string other(width, '\x7f');
      for (std::int64_t item = 0; item < items; ++item) {
        const auto rows = table.shape().rows_of({item, item + 1});
        for (auto row = rows.begin; row < rows.end; ++row) {
          if (finished[static_cast<std::size_t>(item)] != 0) {
            file.seekg(at(place, row));
            file.read(other.data(), width);
          } else {
            file.seekp(at(place, row));
            file.write(other.data(), width);
          }
        }
      }
    }
    ASSERT_TRUE(file.good());
  }

  /// Every row, as anybody reads it.
  void expect_whole() {
    world.barrier();
    if (world.rank() == 0) {
      verify_file();
      const h5::Handle raw(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
      const h5::Handle numbers(H5Dopen2(raw.get(), "/table/number", H5P_DEFAULT), H5Dclose, "H5Dopen");
      std::vector<std::int64_t> values(static_cast<std::size_t>(table.shape().rows()));
      h5::check(H5Dread(numbers.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dread");
      for (std::size_t row = 0; row < values.size(); ++row) {
        ASSERT_EQ(values[row], Table::number(static_cast<std::int64_t>(row)));
      }
      EXPECT_EQ(h5::get_attribute(numbers.get(), "units", std::string()), AttributeValue("m"));
      EXPECT_EQ(h5::get_attribute(numbers.get(), "missing", std::int64_t{1}), AttributeValue(std::int64_t{0}));
    }
    world.barrier();
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "table.h5.part";
  Table table{GetParam()};
};

TEST_P(TablesTest, AreTheSameForEveryLayout) {
  std::optional<std::uint64_t> digest;
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
    for (const auto gather : {Gather::parallel, Gather::root}) {
      for (const std::int64_t limit : {1, 20'000, 1 << 30}) {
        SCOPED_TRACE(to_string(schedule) + " " + to_string(gather) + " " + std::to_string(limit));
        SetUp();
        const auto outcome = run(schedule, gather, limit);
        EXPECT_EQ(outcome.computed, items);
        if (!digest) digest = outcome.digest;
        EXPECT_EQ(outcome.digest, *digest);
        expect_whole();
      }
    }
  }
}

TEST_P(TablesTest, AreGoneOnWithAfterAStop) {
  for (const auto schedule : {Schedule::block, Schedule::dynamic}) {
    SetUp();
    const auto stopped = run(schedule, Gather::parallel, 5000, 60);
    EXPECT_GE(stopped.computed, 60);
    const auto rest = run(Schedule::cyclic, Gather::root, 5000);
    EXPECT_EQ(rest.resumed, stopped.computed) << "nothing that was computed is lost";
    EXPECT_EQ(rest.computed, items - stopped.computed);
    expect_whole();
  }
}

TEST_P(TablesTest, AreGoneOnWithWhereAKilledRunHasLeftReferencesToAnything) {
  if (!GetParam()) return;  // numbers lie where they are
  const auto stopped = run(Schedule::cyclic, Gather::root, 5000, 60);
  if (world.rank() == 0) leave_references();
  world.barrier();
  const auto rest = run(Schedule::block, Gather::root, 5000);
  EXPECT_EQ(rest.resumed, stopped.computed);
  EXPECT_EQ(rest.computed, items - stopped.computed);
  expect_whole();
}

TEST_P(TablesTest, AreTriedAgainWhereTheyFailed) {
  if (!GetParam()) return;  // only parcels fail
  const auto all = run(Schedule::block, Gather::parallel, 1 << 30);
  const auto failed = [](std::span<const std::byte> parcel) { return parcel.size() % 3 == 0; };
  std::int64_t expected = 0;
  for (std::int64_t item = 0; item < items; ++item) {
    std::vector<std::byte> parcel;
    table.compute_parcel(item, {}, parcel);
    if (failed(parcel)) ++expected;
  }
  ASSERT_GT(expected, 0);
  ASSERT_LT(expected, items);
  for (const auto schedule : {Schedule::dynamic, Schedule::cyclic}) {
    const auto again =
        run(schedule, Gather::root, 5000, -1, [&](std::span<const std::byte> parcel) { return !failed(parcel); });
    EXPECT_EQ(again.failed, expected);
    EXPECT_EQ(again.resumed, items - expected);
    EXPECT_EQ(again.computed, expected);
    EXPECT_EQ(again.digest, all.digest);
    expect_whole();
  }
}

TEST_P(TablesTest, AreNotBelievedWhereAValueHasChanged) {
  const auto all = run(Schedule::block, Gather::parallel, 1 << 30);
  if (world.rank() == 0) {
    const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "H5Fopen");
    const auto* name = GetParam() ? "/table/text" : "/table/byte";
    const h5::Handle set(H5Dopen2(file.get(), name, H5P_DEFAULT), H5Dclose, "H5Dopen");
    const h5::Handle space(H5Dget_space(set.get()), H5Sclose, "H5Dget_space");
    const hsize_t row = 1, one = 1;
    h5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &row, nullptr, &one, nullptr), "H5Sselect_hyperslab");
    const h5::Handle memory(H5Screate_simple(1, &one, nullptr), H5Sclose, "H5Screate_simple");
    const char* text = "another";
    const auto type = h5::native_copy(GetParam() ? ElementType::text : ElementType::uint8);
    const std::uint8_t byte = static_cast<std::uint8_t>(Table::byte(1) ^ 1);
    const void* data = GetParam() ? static_cast<const void*>(&text) : &byte;
    h5::check(H5Dwrite(set.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, data), "H5Dwrite");
  }
  world.barrier();
  const auto again = run(Schedule::block, Gather::parallel, 1 << 30);
  EXPECT_EQ(again.computed, 1);
  EXPECT_EQ(again.digest, all.digest);
  expect_whole();
}

TEST_P(TablesTest, OfOtherColumnsAreRefused) {
  if (world.rank() == 0) {
    auto shape = table.shape();
    const auto refused = [&] {
      const auto error =
          test::error_of([&] { const ResultFile file(path, std::nullopt, shape, ResultFile::Access::read); });
      return error && error->code() == ExitCode::input ? std::string(error->what()) : std::string("accepted");
    };
    shape.columns.back().type = ElementType::float64;
    EXPECT_NE(refused().find("has another type"), std::string::npos) << refused();
    shape.columns.back().path = "/table/none";
    EXPECT_NE(refused().find("it has no /table/none"), std::string::npos) << refused();
    shape = table.shape();
    shape.dims = {shape.rows() - 1};
    EXPECT_NE(refused().find("rows there"), std::string::npos) << refused();
    shape = table.shape();
    shape.attributes[0].second = std::string("some");
    EXPECT_NE(refused().find("input is none there and some here"), std::string::npos) << refused();
  }
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Columns, TablesTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Variable" : "Fixed"; });

}  // namespace
}  // namespace paceline
