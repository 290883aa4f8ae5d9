#include "engine/verify.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

constexpr std::int64_t items = 100, width = 7;

/// Computes numbers_shape(), and for each third item variable bytes, in pieces.
class WithVariable final : public test::Numbers {
 public:
  WithVariable() : Numbers(items, width), shape_(Numbers::shape()) {
    shape_.variable = {"/numbers/more", "/numbers/more_begin", "/numbers/more_bytes"};
  }
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  void compute_reference(Slab slab, Operands none, ItemOutput output) const override {
    if (interrupted_at >= slab.begin && interrupted_at < slab.end) throw Interrupted();
    Numbers::compute_reference(slab, none, output);
    *output.variable = pieces_of(slab.begin);
  }
  static Pieces pieces_of(std::int64_t item) {
    if (item % 3 != 0) return {};
    return {test::item_bytes(item, item), test::item_bytes(item + 1, 5)};
  }

  std::int64_t interrupted_at = -1;

 private:
  ResultShape shape_;
};

class VerifyTest : public testing::Test {
 protected:
  /// A file of right items but those in `wrong`, of which one bit is; and in `wrong_variable`, where one of their
  /// variable bytes is, or there is one too many.
  ResultFile file_of(const Workload& workload, const std::vector<std::int64_t>& wrong,
                     const std::vector<std::int64_t>& wrong_variable = {}) {
    const auto& shape = workload.shape();
    ResultFile::create(path, shape);
    ResultFile file(path, std::nullopt, shape, ResultFile::Access::write);
    std::int64_t end = 0;
    for (std::int64_t item = 0; item < items; ++item) {
      auto bytes = test::item_bytes(item, width);
      if (std::find(wrong.begin(), wrong.end(), item) != wrong.end()) bytes.back() ^= std::byte{1};
      auto pieces = shape.variable ? WithVariable::pieces_of(item) : Pieces{};
      if (std::find(wrong_variable.begin(), wrong_variable.end(), item) != wrong_variable.end()) {
        if (pieces.empty()) {
          pieces.push_back({std::byte{7}});
        } else {
          pieces.back().back() ^= std::byte{1};
        }
      }
      auto mark = test::mark_of(item, bytes, pieces);
      if (!pieces.empty()) mark.begin = end;
      for (const auto& piece : pieces) {
        const VariableRun run{end, piece};
        end += std::ssize(piece);
        file.reserve(end);
        file.write_variable({&run, 1});
      }
      const paceline::Run run{{item, item + 1}, 0, 0};
      file.write({&run, 1}, bytes, {&mark, 1});
    }
    file.close();
    return {path, std::nullopt, shape, ResultFile::Access::read};
  }

  test::TempFolder folder;
  std::filesystem::path path = folder / "numbers.h5";
};

TEST_F(VerifyTest, AcceptsWhatTheReferenceComputes) {
  const test::Numbers workload(items, width);
  const WithVariable with_variable;
  for (const Workload* each : {static_cast<const Workload*>(&workload), static_cast<const Workload*>(&with_variable)}) {
    const auto file = file_of(*each, {});
    for (const std::int64_t limit : {std::int64_t{1}, 4 * 3 * width, std::int64_t{1} << 30}) {
      EXPECT_FALSE(test::error_of([&] { verify(*each, nullptr, file, 2, limit); }));
    }
  }
}

TEST_F(VerifyTest, NamesTheFirstWrongItem) {
  const test::Numbers workload(items, width);
  {
    const auto file = file_of(workload, {99, 42, 43});
    for (const std::int64_t limit : {std::int64_t{1}, 4 * 3 * width, std::int64_t{1} << 30}) {
      const auto error = test::error_of([&] { verify(workload, nullptr, file, 2, limit); });
      ASSERT_TRUE(error);
      EXPECT_EQ(error->kind(), ErrorKind::check);
      EXPECT_TRUE(test::says(*error, "3 of 100 items differ from the scalar reference, first item 42"))
          << error->what();
    }
  }
  for (const std::int64_t item : {0, 99}) {
    const auto file = file_of(workload, {item});
    EXPECT_TRUE(test::error_of([&] { verify(workload, nullptr, file, 1, 1); })) << item;
  }
}

TEST_F(VerifyTest, LooksAtVariableBytes) {
  const WithVariable workload;
  const auto file = file_of(workload, {50}, {3, 99, 4});
  for (const std::int64_t limit : {std::int64_t{1}, std::int64_t{1} << 30}) {
    const auto error = test::error_of([&] { verify(workload, nullptr, file, 2, limit); });
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), ErrorKind::check);
    EXPECT_TRUE(test::says(*error, "4 of 100 items differ from the scalar reference, first item 3")) << error->what();
  }
}

TEST_F(VerifyTest, SaysThatItWasInterrupted) {
  WithVariable workload;
  const auto file = file_of(workload, {});
  workload.interrupted_at = 60;
  const auto error = test::error_of([&] { verify(workload, nullptr, file, 2, 1 << 20); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::failure);
  EXPECT_TRUE(test::says(*error, "interrupted")) << error->what();
}

}  // namespace
}  // namespace paceline
