// A body while it comes: pieces of memory that never move, so that no larger piece takes the place of a smaller one and
// both are held for a while.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paceline::fetch {

class Body {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }

  /// `expected`: bytes of the whole body, as far as anybody has said; 0: nobody has.
  void append(std::string_view bytes, std::size_t expected) {
    while (!bytes.empty()) {
      if (pieces_.empty() || pieces_.back().size() == pieces_.back().capacity()) add_piece(expected);
      auto& piece = pieces_.back();
      const auto part = bytes.substr(0, piece.capacity() - piece.size());
      const auto* begin = reinterpret_cast<const std::byte*>(part.data());
      piece.insert(piece.end(), begin, begin + part.size());
      size_ += part.size();
      bytes.remove_prefix(part.size());
    }
  }

  /// Its pieces. Nothing is left here.
  std::vector<std::vector<std::byte>> take() {
    size_ = 0;
    return std::exchange(pieces_, {});
  }

  /// A copy.
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const auto& piece : pieces_) text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return text;
  }

 private:
  static constexpr std::size_t first_piece = std::size_t{16} << 10;
  // What malloc() gives back to the system at once, see Runner.
  static constexpr std::size_t largest_piece = std::size_t{1} << 20;

  void add_piece(std::size_t expected) {
    const auto rest = expected > size_ ? expected - size_ : pieces_.empty() ? first_piece : largest_piece;
    pieces_.emplace_back().reserve(std::min(rest, largest_piece));
  }

  std::vector<std::vector<std::byte>> pieces_;
  std::size_t size_ = 0;
};

}  // namespace paceline::fetch
