#include "storage/parcel.hpp"

#include <gtest/gtest.h>

#include <string>

namespace paceline {
namespace {

ResultShape shape_of(const std::vector<ElementType>& types) {
  ResultShape shape;
  for (const auto type : types) shape.columns.push_back({"/t/" + std::to_string(shape.columns.size()), type, {}, {}});
  return shape;
}

TEST(Parcel, LaysFixedColumnsFirst) {
  const auto shape = shape_of({ElementType::text, ElementType::uint8, ElementType::bytes, ElementType::int64});
  ParcelWriter writer(shape);
  const std::vector<std::string> texts = {"", "Pél", "x"};
  for (std::size_t row = 0; row < 3; ++row) {
    writer.add_text(0, texts[row]);
    writer.add(1, static_cast<std::uint8_t>(row + 7));
    writer.add_bytes(2, std::vector<std::byte>(row, std::byte{0}));
    writer.add(3, -static_cast<std::int64_t>(row));
  }
  const auto parcel = writer.take();
  EXPECT_EQ(parcel.size(), 3U + 24 + 24 + 5 + 24 + 3);
  EXPECT_EQ(parcel.front(), std::byte{7});
  const ParcelView view(shape, 3, parcel);
  EXPECT_EQ(view.fixed(1).size(), 3U);
  EXPECT_EQ(view.fixed(1)[2], std::byte{9});
  EXPECT_EQ(view.fixed(3).size(), 24U);
  EXPECT_TRUE(std::equal(texts.begin(), texts.end(), view.texts(0).begin(), view.texts(0).end()));
  EXPECT_EQ(view.texts(2)[2], std::string_view("\0\0", 2));
}

TEST(Parcel, TakesLargeValuesLastOfAll) {
  const auto shape = shape_of({ElementType::bytes, ElementType::int64, ElementType::text});
  ParcelWriter at_once(shape), later(shape);
  const std::vector<std::string> values = {"some", "", "thing"};
  const std::vector<std::uint64_t> sizes = {4, 0, 5};
  bool is_asked = false;
  later.add_later(0, sizes, [&](std::vector<std::byte>& parcel) {
    is_asked = true;
    EXPECT_GE(parcel.capacity() - parcel.size(), 9U);
    for (const auto& value : values) {
      for (const char c : value) parcel.push_back(static_cast<std::byte>(c));
    }
  });
  for (const auto& value : values) at_once.add_text(0, value);
  for (auto* writer : {&at_once, &later}) {
    for (const std::int64_t row : {0, 1, 2}) {
      writer->add(1, row);
      writer->add_text(2, std::string(static_cast<std::size_t>(row), 'x'));
    }
  }
  EXPECT_FALSE(is_asked);
  EXPECT_EQ(later.size(), at_once.size());
  const auto parcel = later.take();
  EXPECT_EQ(parcel, at_once.take());
  EXPECT_EQ(ParcelView(shape, 3, parcel).texts(0)[2], "thing");
}

TEST(Parcel, MayHaveNoRows) {
  const auto shape = shape_of({ElementType::text, ElementType::float64});
  const auto parcel = ParcelWriter(shape).take();
  EXPECT_TRUE(parcel.empty());
  EXPECT_TRUE(ParcelView(shape, 0, parcel).texts(0).empty());
}

TEST(Parcel, OfAnotherLengthIsRefused) {
  const auto shape = shape_of({ElementType::text, ElementType::float64});
  ParcelWriter writer(shape);
  writer.add_text(0, "abc");
  writer.add(1, 1.5);
  const auto whole = writer.take();
  EXPECT_NO_THROW(ParcelView(shape, 1, whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(ParcelView(shape, 1, std::span(whole).first(size)), std::invalid_argument) << size;
  }
  EXPECT_THROW(ParcelView(shape, 0, whole), std::invalid_argument);
  auto longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_THROW(ParcelView(shape, 1, longer), std::invalid_argument);
  // A length that is not what there is.
  auto wrong = whole;
  wrong[8 + 7] = std::byte{0x80};
  EXPECT_THROW(ParcelView(shape, 1, wrong), std::invalid_argument);
}

}  // namespace
}  // namespace paceline
