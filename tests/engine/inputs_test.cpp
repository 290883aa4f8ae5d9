// Inputs reach whoever computes an item, whatever the layout, the schedule and the memory.
#include "engine/inputs.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

#include "engine/node_state.hpp"
#include "storage/h5.hpp"

namespace paceline::inputs_test {
namespace {

constexpr std::int64_t each = 10;  // elements an item

double first_input(std::int64_t element) { return static_cast<double>(element) + 0.25; }
double second_input(std::int64_t element) { return -static_cast<double>(element); }

/// Items of one byte, from two inputs that are made or lie in a file; the last item is not whole.
class Fed : public test::Numbers, public NumberInputs {
 public:
  Fed(std::int64_t elements, InputMemory memory, const std::filesystem::path& file)
      : Numbers((elements + each - 1) / each, 1), elements_(elements), memory_(memory) {
    for (const auto& [name, value] : {std::pair("x", &first_input), std::pair("y", &second_input)}) {
      Input input;
      input.name = name;
      if (file.empty()) {
        input.make = [value = value](Slab some, std::span<double> values) {
          for (auto i = some.begin; i < some.end; ++i) values[static_cast<std::size_t>(i - some.begin)] = value(i);
        };
      } else {
        input.file = file;
        input.dataset = std::string("/") + name;
      }
      inputs_.push_back(std::move(input));
    }
  }
  [[nodiscard]] std::span<const Input> inputs() const override { return inputs_; }
  [[nodiscard]] std::int64_t elements_per_item() const override { return each; }
  [[nodiscard]] InputMemory input_memory() const override { return memory_; }
  void set_extents(const std::vector<std::int64_t>& extents) override { elements_ = extents.front(); }
  [[nodiscard]] std::int64_t elements() const override { return elements_; }

 private:
  std::int64_t elements_;
  InputMemory memory_;
  std::vector<Input> inputs_;
};

class InputsTest : public testing::Test {
 protected:
  void write_file(std::int64_t elements) {
    if (world.rank() == 0) {
      const h5::Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "H5Fcreate");
      for (const auto& [name, value] : {std::pair("/x", &first_input), std::pair("/y", &second_input)}) {
        std::vector<double> values;
        for (std::int64_t i = 0; i < elements; ++i) values.push_back(value(i));
        const hsize_t extent = values.size();
        const h5::Handle space(H5Screate_simple(1, &extent, nullptr), H5Sclose, "H5Screate_simple");
        const h5::Handle set(
            H5Dcreate2(file.get(), name, H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Dclose,
            "H5Dcreate");
        h5::check(H5Dwrite(set.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "H5Dwrite");
      }
    }
    world.barrier();
  }

  PlanRequest request_of(const Fed& workload, Schedule schedule, int threads, std::int64_t memory_limit) const {
    PlanRequest request;
    request.items = workload.shape().items();
    request.bytes_per_item = 9;
    request.ranks = world.size();
    request.threads = threads;
    request.schedule = schedule;
    request.memory_limit = memory_limit;
    request.input_bytes_per_item = 2 * each * 8;
    request.inputs_can_be_made = workload.inputs().front().is_made();
    request.costs.assign(sample_items(request.items, request.ranks).size(), 1.0);
    return request;
  }

  /// Every item that this rank may compute has its elements.
  void expect_right(const Plan& plan, const Fed& workload, const Inputs& inputs, std::int64_t band) const {
    Inputs::Scratch scratch;
    const auto window = plan.window(band, world.rank());
    for (auto item = window.begin; item < window.end; item += 3) {
      const Slab items{item, std::min(item + 2, window.end)};
      const auto operands = inputs.of(band, items, scratch);
      const auto elements = elements_of(workload, items);
      ASSERT_EQ(operands.size(), 2U);
      ASSERT_EQ(operands[0].size(), static_cast<std::size_t>(elements.size()));
      for (auto i = elements.begin; i < elements.end; ++i) {
        ASSERT_EQ(operands[0][static_cast<std::size_t>(i - elements.begin)], first_input(i));
        ASSERT_EQ(operands[1][static_cast<std::size_t>(i - elements.begin)], second_input(i));
      }
    }
  }

  void check(std::int64_t elements, bool from_file, std::int64_t memory_limit, Feeding expected) {
    for (const auto memory : {InputMemory::per_rank, InputMemory::per_node}) {
      for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
        for (const int ranks_per_node : {1, 2, 8}) {
          Fed workload(elements, memory, from_file ? path : std::filesystem::path());
          measure_inputs(world, &workload, std::int64_t{512} << 20);
          ASSERT_EQ(workload.elements(), elements);
          const Plan plan(request_of(workload, schedule, 2, memory_limit));
          ASSERT_EQ(plan.feeding(), expected);
          const auto node = *world.split(world.rank() / ranks_per_node);
          Inputs inputs(plan, &workload, world, node);
          inputs.load();
          for (std::int64_t band = 0; band < plan.bands(); ++band) {
            // As the writing threads do it: all are done with a band before anyone goes on.
            EXPECT_FALSE(inputs.read_ahead(band));
            EXPECT_TRUE(inputs.is_ready(band));
            expect_right(plan, workload, inputs, band);
            world.barrier();
          }
        }
      }
    }
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "in.h5";
};

TEST_F(InputsTest, AreMadeAndSent) {
  for (const std::int64_t elements : {1, 7, 12'345}) check(elements, false, 1 << 24, Feeding::resident);
}

TEST_F(InputsTest, AreMadeJustInTimeWhereTheyDontFit) { check(12'345, false, 20'000, Feeding::made); }

TEST_F(InputsTest, AreReadFromFiles) {
  for (const std::int64_t elements : {1, 7, 12'345}) {
    write_file(elements);
    check(elements, true, 1 << 24, Feeding::resident);
  }
}

TEST_F(InputsTest, AreStreamedFromFilesWhereTheyDontFit) {
  write_file(12'345);
  check(12'345, true, 20'000, Feeding::streamed);
}

TEST_F(InputsTest, AreSentInManyPieces) {
  // More than one message of a million elements to each rank.
  const std::int64_t elements = 2'500'000 * world.size() + 3;
  const Fed workload(elements, InputMemory::per_rank, {});
  const Plan plan(request_of(workload, Schedule::block, 1, std::int64_t{1} << 30));
  Inputs inputs(plan, &workload, world, *world.split(0));
  inputs.load();
  for (std::int64_t band = 0; band < plan.bands(); ++band) expect_right(plan, workload, inputs, band);
}

TEST_F(InputsTest, AreReadByOneRankForVerification) {
  write_file(95);
  for (const bool from_file : {false, true}) {
    const Fed workload(95, InputMemory::per_rank, from_file ? path : std::filesystem::path());
    InputReader reader(&workload, std::int64_t{512} << 20);
    std::vector<std::vector<double>> values;
    reader.read({3, 10}, values);
    ASSERT_EQ(values.size(), 2U);
    ASSERT_EQ(values[0].size(), 65U);
    EXPECT_EQ(values[0][0], first_input(30));
    EXPECT_EQ(values[1][64], second_input(94));
    reader.read({0, 1}, values);
    EXPECT_EQ(values[1].size(), 10U);
  }
}

TEST_F(InputsTest, MissingFilesAreToldByAllRanks) {
  Fed workload(10, InputMemory::per_rank, folder / "missing.h5");
  const auto error = test::error_of([&] { measure_inputs(world, &workload, std::int64_t{512} << 20); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
}

}  // namespace
}  // namespace paceline::inputs_test
