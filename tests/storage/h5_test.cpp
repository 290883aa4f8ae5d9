#include "storage/h5.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

class H5 : public testing::Test {
 protected:
  H5() { h5::be_quiet(); }
  [[nodiscard]] h5::Handle create() const {
    return {H5Fcreate((folder / "f.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose, "H5Fcreate"};
  }
  test::TempFolder folder;
};

int closed = 0;
herr_t count_closed(hid_t /*id*/) {
  ++closed;
  return 0;
}

TEST_F(H5, HandlesCloseOnce) {
  closed = 0;
  {
    h5::Handle a(5, count_closed, "open");
    h5::Handle b(std::move(a));
    EXPECT_EQ(b.get(), 5);
    h5::Handle c;
    c = std::move(b);
    EXPECT_EQ(c.get(), 5);
    EXPECT_EQ(closed, 0);
  }
  EXPECT_EQ(closed, 1);
  {
    h5::Handle d(6, count_closed, "open");
    d.close("close");
    EXPECT_EQ(closed, 2);
  }
  EXPECT_EQ(closed, 2);
}

TEST_F(H5, ErrorsNameTheCallAndHdf5sReasonAndPrintNothing) {
  testing::internal::CaptureStderr();
  const auto error = test::error_of([&] {
    const h5::Handle file(H5Fopen((folder / "none.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, "H5Fopen");
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::failure);
  EXPECT_STREQ(error->what(), "H5Fopen failed (No such file or directory)");
}

TEST_F(H5, AttributesComeBackAndAreReplaced) {
  const auto file = create();
  const AttributeValue values[] = {std::string("größer ≥ 2"), std::string(), std::int64_t{1} << 62, -0.1};
  for (const auto& value : values) {
    h5::set_attribute(file.get(), "it", std::int64_t{3});
    h5::set_attribute(file.get(), "it", value);
    EXPECT_EQ(h5::get_attribute(file.get(), "it", value), value);
  }
}

TEST_F(H5, AttributesThatAreMissingOrOfAnotherKindAreErrors) {
  const auto file = create();
  h5::set_attribute(file.get(), "text", std::string("abc"));
  EXPECT_TRUE(test::error_of([&] { h5::get_attribute(file.get(), "none", 0.0); }));
  EXPECT_TRUE(test::error_of([&] { h5::get_attribute(file.get(), "text", 0.0); }));
}

TEST_F(H5, TextsOfAttributesAndColumnsHaveAFixedLength) {
  const auto file = create();
  const std::string text = "größer ≥ 2";
  h5::set_attribute(file.get(), "it", text);
  const h5::Handle attribute(H5Aopen(file.get(), "it", H5P_DEFAULT), H5Aclose, "H5Aopen");
  const h5::Handle type(H5Aget_type(attribute.get()), H5Tclose, "H5Aget_type");
  EXPECT_EQ(H5Tis_variable_str(type.get()), 0);
  EXPECT_EQ(H5Tget_cset(type.get()), H5T_CSET_UTF8);
  for (const std::int64_t width : {1, 7, 70'000}) {
    const auto stored = h5::stored_type(ElementType::text, width), native = h5::native_type(ElementType::text, width);
    EXPECT_EQ(H5Tget_size(stored.get()), static_cast<std::size_t>(width));
    EXPECT_GT(H5Tequal(stored.get(), native.get()), 0) << "texts are the same everywhere";
    EXPECT_EQ(H5Tis_variable_str(stored.get()), 0);
    EXPECT_EQ(H5Tget_strpad(stored.get()), H5T_STR_NULLPAD);
    EXPECT_EQ(H5Tget_cset(stored.get()), H5T_CSET_UTF8);
  }
}

TEST_F(H5, TypesHaveTheWidthOfTheElements) {
  using enum ElementType;
  for (const auto type : {uint8, uint16, uint32, uint64, int64, float64}) {
    const auto stored = h5::stored_type(type, 1), native = h5::native_type(type, 1);
    EXPECT_EQ(H5Tget_size(stored.get()), static_cast<std::size_t>(bytes_of(type)));
    EXPECT_EQ(H5Tget_size(native.get()), static_cast<std::size_t>(bytes_of(type)));
    EXPECT_EQ(H5Tget_class(stored.get()), H5Tget_class(native.get()));
    EXPECT_EQ(H5Tget_order(stored.get()), type == uint8 ? H5Tget_order(stored.get()) : H5T_ORDER_LE);
  }
}

}  // namespace
}  // namespace paceline
