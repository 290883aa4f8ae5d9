// A body is what was put into it, however it came, and leaves nothing behind.
#include "workloads/fetch/body.hpp"

#include <gtest/gtest.h>

namespace paceline::fetch {
namespace {

std::string letters(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

TEST(Body, IsWhatCame) {
  for (const std::size_t size : {0U, 1U, 16U << 10, (16U << 10) + 1, 1U << 20, 5'000'000U}) {
    // Known, unknown, and not what was said.
    for (const std::size_t expected : {size, std::size_t{0}, size / 2, 2 * size + 3}) {
      for (const std::size_t step : {1000U, 16384U, 3'000'000U}) {
        const auto text = letters(size);
        Body body;
        for (std::size_t at = 0; at < size; at += step) body.append(std::string_view(text).substr(at, step), expected);
        EXPECT_EQ(body.size(), size);
        EXPECT_EQ(body.text(), text);
        const auto pieces = body.take();
        EXPECT_EQ(body.size(), 0U);
        EXPECT_EQ(body.text(), "");
        std::string taken;
        for (const auto& piece : pieces) {
          EXPECT_LE(piece.capacity(), std::size_t{1} << 20) << "no piece is large";
          taken.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        }
        EXPECT_EQ(taken, text);
      }
    }
  }
}

}  // namespace
}  // namespace paceline::fetch
