#include "workloads/table/names.hpp"

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline::table {
namespace {

const std::vector<std::string_view> types = {"text", "int64"};

TEST(Names, MayHaveTypes) {
  const std::vector<ListedName> expected = {{"a", ""}, {"b c", "text"}, {"d:e", ""}, {"f:g", "int64"}};
  EXPECT_EQ(read_names("a,b c:text,d:e,f:g:int64", "--x", types), expected);
}

TEST(Names, InQuotesHoldAnything) {
  const std::vector<ListedName> expected = {{"a,b", "text"}, {"c\"d", ""}, {"e:text", ""}};
  EXPECT_EQ(read_names(R"("a,b":text,"c""d","e:text")", "--x", types), expected);
  EXPECT_EQ(read_names("a:text", "--x", {}), (std::vector<ListedName>{{"a:text", ""}}));
}

TEST(Names, AreRefusedWhereTheyMakeNoSense) {
  for (const char* list : {"", "a,", ",a", "\"a", "\"a\"b", "\"a\":real", "a\"b", "\"\""}) {
    const auto error = test::error_of([&] { read_names(list, "--x", types); });
    ASSERT_TRUE(error) << list;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, "--x")) << error->what();
  }
}

TEST(Names, BeginBehindTheLastColon) {
  EXPECT_EQ(last_colon("f.h5:x"), 4U);
  EXPECT_EQ(last_colon("f.h5:\"a:b\",\"c\""), 4U);
  EXPECT_EQ(last_colon("f.h5"), std::string_view::npos);
}

}  // namespace
}  // namespace paceline::table
