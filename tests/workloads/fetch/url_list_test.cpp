#include "workloads/fetch/url_list.hpp"

#include <gtest/gtest.h>
#include <support.hpp>

namespace paceline::fetch {
namespace {

using test::error_of;
using test::says;

TEST(UrlList, SkipsBlankLinesAndComments) {
  const auto urls =
      read_url_list("# mine\n\n  http://a/1 \r\n\t#http://b\nhttp://a/1\nhttps://c:8080/x?y=z#w", Files::refused, "f");
  EXPECT_EQ(urls, (std::vector<std::string>{"http://a/1", "http://a/1", "https://c:8080/x?y=z#w"}));
}

TEST(UrlList, MayBeginWithAByteOrderMark) {
  EXPECT_EQ(read_url_list("\xef\xbb\xbfhttp://a\n", Files::refused, "f"), std::vector<std::string>{"http://a"});
}

TEST(UrlList, TellsNoCredentials) {
  const auto error = error_of([] { read_url_list("http://user:secret@a b/\n", Files::refused, "f"); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(says(*error, "http://***@a b/")) << error->what();
}

TEST(UrlList, NamesTheLine) {
  const auto error = error_of([] { read_url_list("\n# x\nhttp://a\nhttp://b c\n", Files::refused, "f.txt"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::input);
  EXPECT_TRUE(says(*error, "line 4 of f.txt: 'http://b c'")) << error->what();
}

TEST(UrlList, WantsAtLeastOne) {
  for (const auto* text : {"", "\n\n", "# none"}) {
    const auto error = error_of([&] { read_url_list(text, Files::refused, "f"); });
    ASSERT_TRUE(error) << text;
    EXPECT_TRUE(says(*error, "nothing to fetch")) << error->what();
  }
}

TEST(Url, IsWholeAndOfAKindThatIsFetched) {
  for (const auto* url :
       {"http://a", "HTTPS://a/b", "http://[::1]:80/", "http://u:p@h/", "http://127.0.0.1:8000/%20"}) {
    EXPECT_FALSE(error_of([&] { check_url(url, Files::refused, "x", ErrorKind::usage); })) << url;
  }
  for (const auto* url :
       {"", "a", "example.org/x", "/etc/passwd", "http://", "http:/a", "http://a:port/", "http://a:99999/", "ftp://a/b",
        "gopher://a", "javascript:1", "http://a/\n", "http://a/\xc3\xa9", "http://[::1/"}) {
    const auto error = error_of([&] { check_url(url, Files::allowed, "x", ErrorKind::usage); });
    ASSERT_TRUE(error) << url;
    EXPECT_EQ(error->kind(), ErrorKind::usage) << url;
    EXPECT_EQ(std::string(error->what()).find('\n'), std::string::npos) << error->what();
  }
}

TEST(Url, MayBeAFileWhereThatIsAllowed) {
  EXPECT_FALSE(error_of([] { check_url("file:///a/b", Files::allowed, "x", ErrorKind::usage); }));
  const auto error = error_of([] { check_url("file:///a/b", Files::refused, "x", ErrorKind::usage); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(says(*error, "--allow-file")) << error->what();
  EXPECT_EQ(file_of("file:///a%20b"), "/a b");
  EXPECT_EQ(file_of("http://a/b"), "");
}

}  // namespace
}  // namespace paceline::fetch
