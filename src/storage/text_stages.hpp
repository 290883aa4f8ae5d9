// What bytes pass through on their way to a plain UTF-8 text, piece by piece.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace paceline {

class TextStage {
 public:
  using Sink = std::function<void(std::span<const char>)>;
  TextStage() = default;
  TextStage(const TextStage&) = delete;
  TextStage& operator=(const TextStage&) = delete;
  virtual ~TextStage() = default;
  /// Hands on what comes of some more bytes. Throws Error (input) for what it can't make sense of.
  virtual void take(std::span<const char> bytes, const Sink& sink) = 0;
  /// After the last ones. Throws Error (input) if something is missing at the end.
  virtual void finish(const Sink& sink) = 0;
};

/// Whether a file that begins so is packed, and how: "zlib" or "zstd"; empty: it is not.
std::string packed_by(std::span<const char> begin);
/// `name`: of the file, for messages.
std::unique_ptr<TextStage> make_unpacker(const std::string& packed_by, const std::string& name);
/// From an encoding that iconv knows, or latin-1. Throws Error (usage) if it knows none of that name.
std::unique_ptr<TextStage> make_converter(const std::string& encoding, const std::string& name);

}  // namespace paceline
