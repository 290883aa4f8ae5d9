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

TEST(Secrets, OfUrlsAreMasked) {
  EXPECT_EQ(masked("get http://me:secret@host:80/x?y=1 -o f"), "get http://***@host:80/x?y=1 -o f");
  EXPECT_EQ(masked("http_proxy=http://:pw@proxy/ a"), "http_proxy=http://***@proxy/ a");
  EXPECT_EQ(masked("http://host:8080/a@b"), "http://host:8080/a@b");
  EXPECT_EQ(masked("mail me@host"), "mail me@host");
}

TEST(Secrets, AreMaskedByTheNameOfTheirOption) {
  EXPECT_EQ(masked("app --api-token abc --size 3"), "app --api-token *** --size 3");
  EXPECT_EQ(masked("app --password='a b' x"), "app --password=*** x");
  EXPECT_EQ(masked("env DB_PASSWORD=abc AWS_SECRET_ACCESS_KEY=k app"),
            "env DB_PASSWORD=*** AWS_SECRET_ACCESS_KEY=*** app");
  EXPECT_EQ(masked("app --tokens-per-second"), "app --tokens-per-second");
  EXPECT_EQ(masked("app --size 3"), "app --size 3");
  EXPECT_TRUE(names_a_secret("SLURM_JWT"));
  EXPECT_TRUE(names_a_secret("GITHUB_TOKEN"));
  EXPECT_FALSE(names_a_secret("OMP_NUM_THREADS"));
}

}  // namespace
}  // namespace paceline
