// The array workload as the engine sees it: shapes, blocks of which the last is not whole, options that make no sense.
#include "workloads/array/array.hpp"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <parsed.hpp>
#include <support.hpp>

#include "workloads/array/partial.hpp"
#include "workloads/array/philox.hpp"

namespace paceline::array {
namespace {

std::unique_ptr<Array> parsed(const std::string& line) { return test::workload_of<Array>("array", line); }

/// Items computed with their operands made on the spot.
std::vector<double> computed(const Array& array, Slab items, bool by_reference) {
  const auto end = std::min(items.end * block_elements, array.elements());
  std::vector<std::vector<double>> values;
  std::vector<std::span<const double>> operands;
  for (const auto& input : array.inputs()) {
    const Slab elements{items.begin * block_elements, end};
    input.make(elements, values.emplace_back(static_cast<std::size_t>(elements.size())));
  }
  for (const auto& each : values) operands.emplace_back(each);
  std::vector<double> out(array.shape().bytes_in(items) / sizeof(double));
  if (by_reference) {
    array.compute_reference(items, operands, {std::as_writable_bytes(std::span(out))});
  } else {
    array.compute(items, operands, {std::as_writable_bytes(std::span(out))});
  }
  return out;
}

TEST(Array, HasTheShapeOfItsOperation) {
  const auto map = parsed("--op triad --size 10000 --seed 3");
  EXPECT_EQ(map->shape().path, "/array/z");
  EXPECT_EQ(map->shape().dims, std::vector<std::int64_t>{10'000});
  EXPECT_EQ(map->shape().items(), 3);
  EXPECT_EQ(map->shape().bytes_in({0, 3}), 80'000U);
  EXPECT_EQ(map->shape().bytes_in({2, 3}), (10'000U - 8192U) * 8);
  EXPECT_EQ(map->shape().bytes_in({3, 3}), 0U);
  EXPECT_EQ(map->parts().reduction, nullptr);
  EXPECT_NE(map->parts().inputs, nullptr);
  EXPECT_EQ(map->parts().scanned_file, nullptr);
  EXPECT_EQ(map->inputs().size(), 2U);

  const auto sum = parsed("--op sum --size 10000");
  EXPECT_EQ(sum->shape().path, "/array/partials");
  EXPECT_EQ(sum->shape().dims, (std::vector<std::int64_t>{3, 2}));
  EXPECT_NE(sum->parts().reduction, nullptr);
  EXPECT_EQ(sum->inputs().size(), 1U);
  EXPECT_EQ(parsed("")->elements(), 16'000'000) << "the lessons' arrays";
}

TEST(Array, ComputesBlocksLikeItsReference) {
  for (const auto& op : operations()) {
    const auto array = parsed("--size 20001 --seed 5 --op " + op.name);
    const auto whole = computed(*array, {0, 5}, true);
    EXPECT_EQ(computed(*array, {0, 5}, false), whole) << op.name;
    // Piece by piece it is the same.
    std::vector<double> pieces;
    for (const Slab items : {Slab{0, 1}, Slab{1, 3}, Slab{3, 5}}) {
      const auto piece = computed(*array, items, false);
      pieces.insert(pieces.end(), piece.begin(), piece.end());
    }
    EXPECT_EQ(pieces, whole) << op.name;
  }
}

TEST(Array, CountsTheBytesThatMove) {
  for (const auto& op : operations()) {
    const auto array = parsed("--size 5000 --op " + op.name);
    std::vector<double> x(5000, 1.0);
    const std::vector<std::span<const double>> operands(array->inputs().size(), x);
    std::vector<std::byte> out(array->shape().bytes_in({0, 2}));
    const auto work = array->compute({0, 2}, operands, {out});
    EXPECT_EQ(static_cast<double>(work.useful), op.bytes_per_element * 5000) << op.name;
    EXPECT_NE(array->traits().kernel.find(op.formula), std::string::npos);
  }
}

TEST(Array, ReducesWithTheTreeOverItsBlocks) {
  const auto array = parsed("--op sum --size 1000000 --seed 1");
  const auto partials = computed(*array, {0, array->shape().items()}, false);
  const auto value = array->reduce([&](Slab items, std::span<std::byte> bytes) {
    std::memcpy(bytes.data(), &partials[static_cast<std::size_t>(2 * items.begin)], bytes.size());
  });
  PartialTree tree;
  for (std::size_t i = 0; i < partials.size(); i += 2) tree.add({partials[i], partials[i + 1]});
  EXPECT_TRUE(value.dims.empty()) << "one number";
  ASSERT_EQ(value.values.size(), 1U);
  EXPECT_EQ(value.values.front(), tree.sum().value());
  EXPECT_EQ(value.path, "/array/value");
  EXPECT_NEAR(value.values.front(), 500'000, 2'000);
}

TEST(Array, TakesItsInputsFromAFile) {
  const auto array = parsed("--input some:folder/f.h5:x,/group/y");
  ASSERT_EQ(array->inputs().size(), 2U);
  EXPECT_EQ(array->inputs()[0].file, "some:folder/f.h5");
  EXPECT_EQ(array->inputs()[0].dataset, "/x");
  EXPECT_EQ(array->inputs()[1].dataset, "/group/y");
  EXPECT_FALSE(array->inputs()[0].is_made());
  array->set_extents({4097});
  EXPECT_EQ(array->shape().items(), 2);
}

TEST(Array, RefusesInputsThatMakeNoSense) {
  for (const char* line : {"--input f.h5", "--input :x,y", "--input f.h5:", "--input f.h5:x", "--input f.h5:x,,y",
                           "--input f.h5:x,y,z", "--op sum --input f.h5:x,y"}) {
    const auto error = test::error_of([&] { parsed(line); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->kind(), ErrorKind::usage) << line;
    EXPECT_TRUE(test::says(*error, "--input")) << error->what();
  }
  for (const auto& [line, part] :
       {std::pair("--size 0", "--size"), std::pair("--op divide", "--op"),
        std::pair("--size 5 --input f.h5:x,y", "--size"), std::pair("--seed 5 --input f.h5:x,y", "--seed")}) {
    const auto error = test::error_of([&, text = line] { parsed(text); });
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->kind(), ErrorKind::usage) << line;
    EXPECT_TRUE(test::says(*error, part)) << error->what();
  }
}

}  // namespace
}  // namespace paceline::array
