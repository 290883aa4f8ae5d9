#include "host/secrets.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

TEST(Secrets, AreLeftOutOfUrls) {
  EXPECT_EQ(without_credentials("http://user:secret@host/x"), "http://***@host/x");
  EXPECT_EQ(without_credentials("https://token@host"), "https://***@host");
  EXPECT_EQ(without_credentials("a http://u:p@q@h?x=@ b ftp://v:w@i"), "a http://***@h?x=@ b ftp://***@i");
  EXPECT_EQ(without_credentials("'http://u:p@h'"), "'http://***@h'");
}

TEST(Secrets, AreNoOtherParts) {
  for (const char* text : {"", "x@y", "http://h/u:p@x", "http://h?a@b", "http://h#a@b", "://", "http://", "a://b"}) {
    EXPECT_EQ(without_credentials(text), text);
  }
}

}  // namespace
}  // namespace paceline
