// /run/identity: which run a result file belongs to, and what it is when it is complete. It lies where it follows from
// the shape, so that it is read without HDF5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include <paceline/digest.hpp>

#include "storage/byte_file.hpp"
#include "storage/file_image.hpp"

namespace paceline {

/// At the beginning of the identity. What a complete file says lies last and has a check of its own: where the write
/// that completes it was cut off, all before is as it was, and the run can still be resumed.
struct IdentityHeader {
  char magic[8] = {'P', 'A', 'C', 'E', 'L', 'I', 'N', 'E'};
  std::uint64_t version = 3;
  std::uint64_t text_digest = 0;
  std::uint64_t layout_digest = 0;
  // Where the flags of finished items lie, whatever the shape is.
  std::int64_t flags_begin = 0;
  std::int64_t flags_end = 0;
  std::uint64_t check = 0;  ///< of all before
  // Of a complete file.
  std::uint64_t structure_digest = 0;
  std::uint64_t result_digest = 0;
  std::uint64_t variable_bytes = 0;
  std::uint64_t complete_check = 0;  ///< of all before; 0: it is not complete

  [[nodiscard]] std::uint64_t sum_to(std::size_t end) const {
    return item_digest(1, std::as_bytes(std::span(this, 1)).first(end));
  }
  [[nodiscard]] bool is_whole() const {
    return std::memcmp(magic, IdentityHeader{}.magic, sizeof magic) == 0 &&
           check == sum_to(offsetof(IdentityHeader, check));
  }
  [[nodiscard]] bool is_complete() const { return complete_check == sum_to(offsetof(IdentityHeader, complete_check)); }
};
static_assert(sizeof(IdentityHeader) == identity_header);

/// Of a run that is under way: nothing is said of its completion.
IdentityHeader header_of(const FileImage& image, const std::string& text);

enum class Completeness { under_way, complete };
/// Throws Error (output).
void put_header(const ByteTarget& file, std::int64_t at, IdentityHeader header, Completeness completeness);

/// Nothing if the file is too short for one, or has none. Throws Error (input).
std::optional<IdentityHeader> read_header(const ByteFile& file, std::int64_t file_bytes, std::int64_t at);

/// Throws Error (input) unless the header is that of a run with this identity, which names the first difference.
void check_identity(const std::filesystem::path& path, const ByteFile& file, std::int64_t file_bytes,
                    const IdentityHeader& header, const FileImage& image, const std::string& text);

}  // namespace paceline
