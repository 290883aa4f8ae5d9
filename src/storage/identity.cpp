#include "storage/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include <paceline/error.hpp>

#include "host/text.hpp"
#include "storage/columns.hpp"
#include "storage/result_errors.hpp"
#include "storage/structure.hpp"

namespace paceline {
namespace {

std::uint64_t digest_of_text(const std::string& text) { return item_digest(0, std::as_bytes(std::span(text))); }

/// What differs first between the parameters of two runs.
Error other_run(const std::filesystem::path& path, const std::string& there, const std::string& here) {
  const auto fail = [&](const std::string& why) {
    return Error(ErrorKind::input, fmt::format("{} belongs to another run", path.string()), why,
                 "give the options of that run, or start again with --force");
  };
  const auto theirs = split(there, '\n');
  const auto ours = split(here, '\n');
  for (std::size_t k = 0; k < std::max(theirs.size(), ours.size()); ++k) {
    if (k >= theirs.size() || k >= ours.size()) break;
    if (theirs[k] == ours[k]) continue;
    const auto name_size = theirs[k].find('\t');
    // Cut off, or another parameter.
    if (name_size == std::string::npos || ours[k].find('\t') != name_size) break;
    const auto name = theirs[k].substr(0, name_size);
    if (ours[k].substr(0, name_size) != name) break;
    return fail(fmt::format("{} is {} there and {} here", name, theirs[k].substr(name_size + 1),
                            ours[k].substr(name_size + 1)));
  }
  return fail("its parameters are others");
}

}  // namespace

IdentityHeader header_of(const FileImage& image, const std::string& text) {
  IdentityHeader header;
  header.text_digest = digest_of_text(text);
  header.layout_digest = image.layout_digest();
  const auto flags = image.place_of(finished_flags_path);
  header.flags_begin = flags.begin;
  header.flags_end = flags.end;
  return header;
}

void put_header(const ByteTarget& file, std::int64_t at, IdentityHeader header, Completeness completeness) {
  header.check = header.sum_to(offsetof(IdentityHeader, check));
  if (completeness == Completeness::complete) {
    header.complete_check = header.sum_to(offsetof(IdentityHeader, complete_check));
  }
  file.write(at, {reinterpret_cast<const char*>(&header), sizeof header});
}

std::optional<IdentityHeader> read_header(const ByteFile& file, std::int64_t file_bytes, std::int64_t at) {
  if (file_bytes < at + identity_header) return std::nullopt;
  IdentityHeader header;
  file.read(at, {reinterpret_cast<char*>(&header), sizeof header});
  return header.is_whole() ? std::optional(header) : std::nullopt;
}

void check_identity(const std::filesystem::path& path, const ByteFile& file, std::int64_t file_bytes,
                    const IdentityHeader& header, const FileImage& image, const std::string& text) {
  const auto at = image.identity().begin + identity_header;
  if (header.text_digest != digest_of_text(text)) {
    std::string there(static_cast<std::size_t>(std::clamp(file_bytes - at, std::int64_t{0}, std::int64_t{1} << 16)), 0);
    file.read(at, there);
    throw other_run(path, there.substr(0, there.find('\0')), text);
  }
  std::string there(text.size(), 0);
  if (file_bytes >= image.identity().end) file.read(at, there);
  if (there != text) throw damaged_result(path, "its identity is not what it was");
  if (header.layout_digest != image.layout_digest()) {
    throw Error(ErrorKind::input, fmt::format("{} was made by another build", path.string()),
                "its data lie at other places", "go on with that build, or start again with --force");
  }
}

}  // namespace paceline
