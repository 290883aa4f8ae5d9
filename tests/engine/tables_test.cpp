// Results that are tables, computed, gathered, written and read back: uneven items, columns of fixed and of other
// widths, and variable bytes beside the rows.
#include <fstream>
#include <numeric>
#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

#include "engine/compute.hpp"
#include "engine/resume.hpp"
#include "engine/verify.hpp"
#include "engine/writer.hpp"
#include "storage/h5.hpp"

namespace paceline::tables_test {
namespace {

constexpr std::int64_t items = 200;
constexpr std::int64_t text_width = 24;

/// Row r: a text, an integer, a byte, and a text of any length, of which a column has the bytes. Item i has i % 5 rows
/// and, if it is asked for, variable bytes: none, a few or many.
class Table : public test::Numbers {
 public:
  explicit Table(bool is_variable) : Numbers(1, 1) {
    shape_.path = "/table";
    shape_.starts = {0};
    std::vector<std::int64_t> long_starts = {0};
    for (std::int64_t item = 0; item < items; ++item) {
      const Slab rows{shape_.starts.back(), shape_.starts.back() + item % 5};
      shape_.starts.push_back(rows.end);
      long_starts.push_back(long_starts.back());
      for (auto row = rows.begin; row < rows.end; ++row) long_starts.back() += std::ssize(long_text(row));
    }
    shape_.dims = {shape_.starts.back()};
    shape_.columns = {{"/table/text", ElementType::text, {}, {}, text_width, {}},
                      {"/table/number", ElementType::int64, "m", {{"missing", std::int64_t{0}}}, 1, {}},
                      {"/table/long", ElementType::uint8, {}, {}, 1, long_starts},
                      {"/table/byte", ElementType::uint8, {}, {}, 1, {}}};
    shape_.attributes = {{"input", std::string("none")}};
    if (!is_variable) return;
    shape_.variable = {"/table/body", "/table/body_begin", "/table/body_bytes"};
    shape_.origins = std::string("/table/made");
  }
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }

  static std::int64_t number(std::int64_t row) { return row * row - 7; }
  static std::uint8_t byte(std::int64_t row) { return static_cast<std::uint8_t>(test::scrambled(row + 1U) & 0xff); }
  static std::string text(std::int64_t row) {
    std::string text;
    for (std::int64_t i = 0; i < row % 4; ++i) text += "ü" + std::to_string(row);
    return text;
  }
  static std::string long_text(std::int64_t row) {
    return std::string(static_cast<std::size_t>(row * 37 % 3000), static_cast<char>(row));
  }
  static Pieces pieces_of(std::int64_t item) {
    if (item == 1) return {{}};
    if (item % 3 == 0) return {};
    if (item % 7 == 0) return {filled(item, 200'000), filled(item + 1, 100'000)};
    return {test::item_bytes(item, 11 * item)};
  }

  Work compute(Slab slab, Operands none, ItemOutput output) const override {
    EXPECT_EQ(slab.size(), 1);
    EXPECT_EQ(output.bytes.size(), shape_.bytes_in(slab));
    EXPECT_EQ(output.variable != nullptr, shape_.variable.has_value());
    compute_reference(slab, none, output);
    if (output.variable != nullptr && budget != nullptr) {
      for (const auto& piece : *output.variable) budget->take(std::ssize(piece));
    }
    return {1, 1};
  }
  void compute_reference(Slab slab, Operands /*none*/, ItemOutput output) const override {
    const auto rows = shape_.rows_of(slab);
    std::vector<std::byte> bytes;
    const auto put = [&](const auto* data, std::size_t size) {
      const auto* first = reinterpret_cast<const std::byte*>(data);
      bytes.insert(bytes.end(), first, first + size);
    };
    for (auto row = rows.begin; row < rows.end; ++row) {
      auto padded = text(row);
      padded.resize(text_width, '\0');
      put(padded.data(), padded.size());
    }
    for (auto row = rows.begin; row < rows.end; ++row) {
      const auto value = number(row);
      put(&value, sizeof value);
    }
    for (auto row = rows.begin; row < rows.end; ++row) {
      const auto value = long_text(row);
      put(value.data(), value.size());
    }
    for (auto row = rows.begin; row < rows.end; ++row) bytes.push_back(std::byte{byte(row)});
    EXPECT_EQ(bytes.size(), output.bytes.size());
    std::copy(bytes.begin(), bytes.end(), output.bytes.begin());
    if (output.variable != nullptr) *output.variable = pieces_of(slab.begin);
  }

  MemoryBudget* budget = nullptr;

 private:
  /// Cheaper than item_bytes().
  static std::vector<std::byte> filled(std::int64_t item, std::size_t size) {
    std::vector<std::byte> bytes(size, std::byte{static_cast<std::uint8_t>(item)});
    bytes.front() = bytes.back() = std::byte{byte(item)};
    return bytes;
  }

  ResultShape shape_;
};

/// Which items are to be computed, and how.
struct Case {
  Schedule schedule = Schedule::block;
  Gather gather = Gather::parallel;
  std::int64_t stop_after = -1;  ///< items
  int only_rank = -1;            ///< the others have no workers
};

class TablesTest : public testing::TestWithParam<bool> {  // variable
 protected:
  void SetUp() override {
    world.barrier();
    if (world.rank() == 0) ResultFile::create(path, table.shape());
    world.barrier();
  }

  struct Outcome {
    std::int64_t computed = 0;
    std::int64_t resumed = 0;
    std::int64_t failed = 0;
    std::uint64_t digest = 0;
  };

  Outcome run(const Case& c, const IsSettled& is_settled = {}) {
    const auto& shape = table.shape();
    PlanRequest request;
    request.items = items;
    request.bytes_per_item = shape.most_bytes_per_item() + std::int64_t{sizeof(ItemMark)};
    request.ranks = world.size();
    request.takers = c.only_rank < 0 ? 0 : 1;
    request.threads = 2;
    request.schedule = c.schedule;
    request.gather = c.gather;
    request.memory_limit = (3 + world.size()) * request.bytes_per_item * 20;
    request.costs.assign(sample_items(items, world.size()).size(), 1.0);
    const Plan plan(request);
    const NodeState node_state(world.split_node());
    std::optional<ResultFile> file;
    if (request.gather == Gather::parallel) {
      file.emplace(path, world.duplicate(), shape, ResultFile::Access::write);
    } else if (world.rank() == 0) {
      file.emplace(path, std::nullopt, shape, ResultFile::Access::write);
    }
    const auto resumed = read_resumed(world, file ? &*file : nullptr, shape, 1 << 20, is_settled);
    const auto comm = world.duplicate();
    const int workers = c.only_rank < 0 || c.only_rank == world.rank() ? request.threads : 0;
    const auto dispenser = make_dispenser(plan, comm, node_state, workers > 0 ? Workers::some : Workers::none);
    Bands bands(plan, shape, world.rank(), request.threads);
    Gatherer gatherer(plan, shape, comm);
    Inputs inputs(plan, nullptr, world, node_state.node());
    MemoryBudget budget(1 << 20);
    table.budget = &budget;
    WriterContext context{plan, shape, comm, inputs, bands, node_state, *dispenser};
    context.gatherer = &gatherer;
    context.file = file ? &*file : nullptr;
    context.variable = &budget;
    context.variable_end = resumed.variable_end;
    context.meanwhile = [&] {
      if (c.stop_after >= 0 && node_state.shared().items_done >= c.stop_after) node_state.stop();
    };
    WriterResult written;
    std::thread writer([&] { written = write_bands(context); });
    const auto computed = compute({plan, table, inputs, *dispenser, bands, node_state, resumed.finished, workers});
    writer.join();
    EXPECT_FALSE(computed.error) << computed.error->what();
    EXPECT_FALSE(written.error) << written.error->what();
    EXPECT_EQ(budget.held(), 0) << "what is written is given back";
    if (c.only_rank >= 0 && c.only_rank != world.rank()) {
      EXPECT_EQ(computed.items, 0);
    }
    if (file) file->close();
    world.barrier();
    return {world.reduce_all(computed.items, MPI_SUM), resumed.items, resumed.failed,
            world.reduce_all(computed.digest.sum(), MPI_SUM) + resumed.digest.sum()};
  }

  void verify_file() {
    const ResultFile file(path, std::nullopt, table.shape(), ResultFile::Access::read);
    verify(table, nullptr, file, 2, 1000);
  }

  std::vector<ItemMark> marks() {
    return ResultFile(path, std::nullopt, table.shape(), ResultFile::Access::read).marks({0, items});
  }

  /// Changes bytes on the disk behind our back. On rank 0 alone.
  void change(const char* dataset, std::int64_t at, const std::function<void(std::span<char>)>& how, std::size_t size) {
    std::int64_t place = 0;
    {
      const h5::Handle raw(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
      const auto set = h5::open_dataset(raw.get(), dataset);
      ASSERT_LE(at + static_cast<std::int64_t>(size), static_cast<std::int64_t>(H5Dget_storage_size(set.get())));
      place = static_cast<std::int64_t>(H5Dget_offset(set.get())) + at;
    }
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    std::string bytes(size, '\0');
    file.seekg(place);
    file.read(bytes.data(), std::ssize(bytes));
    how(bytes);
    file.seekp(place);
    file.write(bytes.data(), std::ssize(bytes));
    ASSERT_TRUE(file.good());
  }
  void flip(const char* dataset, std::int64_t at) {
    change(
        dataset, at, [](std::span<char> byte) { byte[0] = static_cast<char>(byte[0] ^ 4); }, 1);
  }

  /// Every row, as anybody reads it.
  void expect_whole() {
    world.barrier();
    if (world.rank() == 0) {
      verify_file();
      const h5::Handle raw(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
      const auto numbers = h5::open_dataset(raw.get(), "/table/number");
      std::vector<std::int64_t> values(static_cast<std::size_t>(table.shape().rows()));
      h5::check(H5Dread(numbers.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dread");
      for (std::size_t row = 0; row < values.size(); ++row) {
        ASSERT_EQ(values[row], Table::number(static_cast<std::int64_t>(row)));
      }
      const auto texts = h5::open_dataset(raw.get(), "/table/text");
      std::string all(values.size() * text_width, 'x');
      const auto type = h5::text_type(text_width);
      h5::check(H5Dread(texts.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), "H5Dread");
      for (std::size_t row = 0; row < values.size(); ++row) {
        auto expected = Table::text(static_cast<std::int64_t>(row));
        expected.resize(text_width, '\0');
        ASSERT_EQ(all.substr(row * text_width, text_width), expected);
      }
      EXPECT_EQ(h5::get_attribute(numbers.get(), "units", std::string()), AttributeValue("m"));
      EXPECT_EQ(h5::get_attribute(numbers.get(), "missing", std::int64_t{1}), AttributeValue(std::int64_t{0}));
      if (GetParam()) expect_bodies(raw.get());
    }
    world.barrier();
  }

  /// The variable bytes, by the two numbers of each item alone.
  void expect_bodies(hid_t raw) {
    const auto numbers_of = [&](const char* name) {
      std::vector<std::int64_t> values(items);
      const auto set = h5::open_dataset(raw, name);
      h5::check(H5Dread(set.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dread");
      return values;
    };
    const auto begins = numbers_of("/table/body_begin"), sizes = numbers_of("/table/body_bytes");
    const auto set = h5::open_dataset(raw, "/table/body");
    std::vector<std::byte> all(H5Dget_storage_size(set.get()));
    h5::check(H5Dread(set.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), "H5Dread");
    std::vector<Slab> places;
    for (std::int64_t item = 0; item < items; ++item) {
      const auto at = static_cast<std::size_t>(item);
      const auto pieces = Table::pieces_of(item);
      if (pieces.empty()) {
        ASSERT_EQ(begins[at], -1) << "item " << item;
        ASSERT_EQ(sizes[at], 0);
        continue;
      }
      std::vector<std::byte> expected;
      for (const auto& piece : pieces) expected.insert(expected.end(), piece.begin(), piece.end());
      ASSERT_EQ(sizes[at], std::ssize(expected)) << "item " << item;
      ASSERT_GE(begins[at], 0);
      ASSERT_LE(begins[at] + sizes[at], std::ssize(all));
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), all.begin() + begins[at])) << "item " << item;
      places.push_back({begins[at], begins[at] + sizes[at]});
    }
    std::sort(places.begin(), places.end());
    for (std::size_t k = 1; k < places.size(); ++k) ASSERT_LE(places[k - 1].end, places[k].begin) << "none overlap";
  }

  /// By rank 0, and looked at again.
  void expect_sealed(std::uint64_t digest) {
    world.barrier();
    if (world.rank() == 0) {
      ResultFile::seal(path, table.shape(), {digest, {}, {{"software", std::string("paceline")}}, {}});
      EXPECT_EQ(ResultFile::check_complete(path, table.shape()), digest);
    }
    expect_whole();
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
      SCOPED_TRACE(to_string(schedule) + " " + to_string(gather));
      SetUp();
      const auto outcome = run({schedule, gather});
      EXPECT_EQ(outcome.computed, items);
      if (!digest) digest = outcome.digest;
      EXPECT_EQ(outcome.digest, *digest);
      expect_whole();
      expect_sealed(outcome.digest);
    }
  }
}

TEST_P(TablesTest, AreWholeWhereOneRankAloneComputes) {
  for (const auto gather : {Gather::parallel, Gather::root}) {
    for (const int rank : {0, world.size() - 1}) {
      SCOPED_TRACE(to_string(gather) + " by rank " + std::to_string(rank));
      SetUp();
      EXPECT_EQ(run({Schedule::dynamic, gather, -1, rank}).computed, items);
      expect_whole();
    }
  }
}

TEST_P(TablesTest, GrowByMoreThanOneReserve) {
  if (!GetParam()) return;
  std::int64_t all = 0;
  for (std::int64_t item = 0; item < items; ++item) {
    for (const auto& piece : Table::pieces_of(item)) all += std::ssize(piece);
  }
  ASSERT_GT(all, 4 << 20) << "else there is nothing to grow";
  const auto before = world.rank() == 0 ? std::filesystem::file_size(path) : 0;
  const auto outcome = run({Schedule::cyclic, Gather::parallel});
  world.barrier();
  if (world.rank() == 0) {
    EXPECT_GT(std::filesystem::file_size(path), before);
    ResultFile::seal(path, table.shape(), {outcome.digest, {}, {}, {}});
    const h5::Handle raw(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
    EXPECT_EQ(static_cast<std::int64_t>(H5Dget_storage_size(h5::open_dataset(raw.get(), "/table/body").get())), all)
        << "a complete file has no room left over";
  }
  expect_whole();
}

TEST_P(TablesTest, AreGoneOnWithAfterAStop) {
  for (const auto schedule : {Schedule::block, Schedule::dynamic}) {
    for (const auto gather : {Gather::parallel, Gather::root}) {
      SCOPED_TRACE(to_string(schedule) + " " + to_string(gather));
      SetUp();
      const auto stopped = run({schedule, gather, 60});
      EXPECT_GE(stopped.computed, 60);
      if (world.rank() == 0) {
        EXPECT_TRUE(ResultFile::has_finished_items(path, table.shape()));
        EXPECT_TRUE(ResultFile::restore(path, table.shape()));
      }
      world.barrier();
      const auto rest = run({Schedule::cyclic, gather == Gather::root ? Gather::parallel : Gather::root});
      EXPECT_EQ(rest.resumed, stopped.computed) << "nothing that was computed is lost";
      EXPECT_EQ(rest.computed, items - stopped.computed);
      expect_whole();
      expect_sealed(rest.digest);
    }
  }
}

TEST_P(TablesTest, AreGoneOnWithWhereAKilledRunHasLeftPlacesOfAnything) {
  if (!GetParam()) return;
  const auto stopped = run({Schedule::cyclic, Gather::root, 60});
  if (world.rank() == 0) {
    const auto all = marks();
    // Far outside, before the beginning, and, that is no error, where another item's bytes are; all flagged.
    const std::int64_t places[][2] = {
        {std::int64_t{1} << 62, std::int64_t{1} << 62}, {-5, 3}, {0, -1}, {0, std::numeric_limits<std::int64_t>::max()},
        {std::numeric_limits<std::int64_t>::max(), 1},  {0, 100}};
    const auto set = [&](const char* name, std::int64_t item, std::int64_t value) {
      change(
          name, 8 * item, [&](std::span<char> bytes) { std::memcpy(bytes.data(), &value, 8); }, 8);
    };
    for (std::int64_t item = 0; item < items; ++item) {
      if (all[static_cast<std::size_t>(item)].digest != 0) continue;
      set("/table/body_begin", item, places[item % 6][0]);
      set("/table/body_bytes", item, places[item % 6][1]);
      set("/run/item_digest", item, 12345);
      change(
          "/run/finished", item, [](std::span<char> flag) { flag[0] = 1; }, 1);
    }
    EXPECT_TRUE(ResultFile::restore(path, table.shape()));
  }
  world.barrier();
  const auto rest = run({Schedule::block, Gather::root});
  EXPECT_EQ(rest.resumed, stopped.computed);
  EXPECT_EQ(rest.computed, items - stopped.computed);
  expect_whole();
}

TEST_P(TablesTest, AreTriedAgainWhereTheyFailed) {
  const auto all = run({});
  const auto failed = [](std::span<const std::byte> bytes) { return bytes.size() % 3 == 0; };
  std::int64_t expected = 0;
  for (std::int64_t item = 0; item < items; ++item) {
    if (table.shape().bytes_in({item, item + 1}) % 3 == 0) ++expected;
  }
  ASSERT_GT(expected, 0);
  ASSERT_LT(expected, items);
  for (const auto schedule : {Schedule::dynamic, Schedule::cyclic}) {
    for (const auto gather : {Gather::parallel, Gather::root}) {
      const auto again = run({schedule, gather}, [&](std::span<const std::byte> bytes) { return !failed(bytes); });
      EXPECT_EQ(again.failed, expected);
      EXPECT_EQ(again.resumed, items - expected);
      EXPECT_EQ(again.computed, expected);
      EXPECT_EQ(again.digest, all.digest);
      expect_whole();
    }
  }
}

TEST_P(TablesTest, AreNotBelievedWhereAnyOfItHasChanged) {
  constexpr std::int64_t item = 7, row = 1 + 2 + 3 + 4 + 0 + 1;  // the first of its two
  struct Change {
    const char* dataset;
    std::int64_t at;
  };
  std::vector<Change> changes = {
      {"/table/text", row * text_width + text_width - 1},     {"/table/number", row * 8},     {"/table/byte", row},
      {"/table/long", table.shape().columns[2].starts[item]}, {"/run/item_digest", 8 * item}, {"/run/finished", item}};
  if (GetParam()) {
    const std::vector<Change> more = {{"/table/body_begin", 8 * item},    {"/table/body_bytes", 8 * item},
                                      {"/table/made/seconds", 8 * item},  {"/table/made/rank", 4 * item},
                                      {"/table/made/thread", 4 * item},   {"/run/origin_digest", 8 * item},
                                      {"/table/body_begin", 8 * item + 7}};
    changes.insert(changes.end(), more.begin(), more.end());
  }
  const auto all = run({});
  for (const auto& each : changes) {
    SCOPED_TRACE(fmt::format("{} at {}", each.dataset, each.at));
    if (world.rank() == 0) flip(each.dataset, each.at);
    world.barrier();
    const auto again = run({});
    EXPECT_EQ(again.computed, 1);
    EXPECT_EQ(again.digest, all.digest);
  }
  if (GetParam()) {
    if (world.rank() == 0) {
      const auto mark = marks()[item];
      flip("/table/body", mark.begin + mark.size - 1);
    }
    world.barrier();
    EXPECT_EQ(run({}).computed, 1);
  }
  expect_whole();
}

TEST_P(TablesTest, OfOtherColumnsAreRefused) {
  if (world.rank() == 0) {
    auto shape = table.shape();
    const auto refused = [&] {
      const auto error = test::error_of([&] { ResultFile::restore(path, shape); });
      return error && error->kind() == ErrorKind::input ? std::string(error->what()) : std::string("accepted");
    };
    shape.columns.back().type = ElementType::float64;
    EXPECT_NE(refused().find("/table/byte is type"), std::string::npos) << refused();
    shape.columns.back().path = "/table/none";
    EXPECT_NE(refused().find("belongs to another run"), std::string::npos) << refused();
    shape = table.shape();
    shape.columns.front().width = text_width + 1;
    EXPECT_NE(refused().find("/table/text is type"), std::string::npos) << refused();
    shape = table.shape();
    ++shape.columns[2].starts.back();
    EXPECT_NE(refused().find("/table/long is type"), std::string::npos) << refused();
    shape = table.shape();
    shape.dims = {shape.rows() - 1};
    EXPECT_NE(refused().find(fmt::format("the shape is {} there and {} here", shape.rows() + 1, shape.rows())),
              std::string::npos)
        << refused();
    shape = table.shape();
    shape.attributes[0].second = std::string("some");
    EXPECT_NE(refused().find("input is none there and some here"), std::string::npos) << refused();
    EXPECT_TRUE(ResultFile::restore(path, table.shape()));
  }
  world.barrier();
}

INSTANTIATE_TEST_SUITE_P(Columns, TablesTest, testing::Bool(),
                         [](const auto& each) { return each.param ? "Variable" : "Fixed"; });

}  // namespace
}  // namespace paceline::tables_test
