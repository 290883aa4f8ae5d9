// A result file as a whole: made, taken up again, sealed, believed. By plain bytes; HDF5 has made them in memory.
#include <algorithm>
#include <string>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "storage/file_image.hpp"
#include "storage/h5.hpp"
#include "storage/identity.hpp"
#include "storage/output_path.hpp"
#include "storage/result_errors.hpp"
#include "storage/result_file.hpp"
#include "storage/structure.hpp"

namespace paceline {
namespace {

bool has_flags(const ByteFile& file, std::int64_t file_bytes, Slab place) {
  const auto there = intersect(place, {0, file_bytes});
  std::vector<char> flags(static_cast<std::size_t>(there.size()));
  file.read(there.begin, flags);
  return std::any_of(flags.begin(), flags.end(), [](char flag) { return flag != 0; });
}

}  // namespace

void ResultFile::create(const std::filesystem::path& path, const ResultShape& shape) {
  try {
    const FileImage image(shape, least_variable_bytes);
    const ByteTarget file(path);
    // Data of a former run must not be there: they would have flags.
    file.resize(0);
    image.put_around_data_unsigned(file);
    const auto text = identity_text(shape);
    file.write(image.identity().begin + identity_header, text);
    file.sync();
    // Last: what has neither is no result.
    put_header(file, image.identity().begin, header_of(image, text), Completeness::under_way);
    image.put_signature(file);
  } catch (const Error& error) {
    throw cannot_write_result(path, error);
  }
}

bool ResultFile::restore(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const FileImage least(shape, least_variable_bytes);
  const auto text = identity_text(shape);
  std::optional<IdentityHeader> header;
  {
    const ByteFile file(path);
    header = read_header(file, file_bytes, least.identity().begin);
    if (!header) {
      if (has_signature(file, file_bytes)) {
        throw damaged_result(path, "it has no identity, or was made by version 0.1, whose runs are not resumed");
      }
      return false;
    }
    check_identity(path, file, file_bytes, *header, least, text);
  }
  std::int64_t room = 0;
  if (shape.variable) {
    const auto begin = least.place_of(shape.variable->path).begin;
    room = std::max(least_variable_bytes, file_bytes - begin);
  }
  const FileImage image(shape, room);
  const ByteTarget file(path);
  image.put_around_data(file);
  put_header(file, image.identity().begin, header_of(image, text), Completeness::under_way);
  return true;
}

void ResultFile::seal(const std::filesystem::path& path, const ResultShape& shape, const Seal& seal) {
  try {
    const auto text = identity_text(shape);
    std::int64_t used = 0;
    if (shape.variable) {
      const ResultFile file(path, std::nullopt, shape, Access::read);
      for (std::int64_t begin = 0; begin < shape.items(); begin += 1 << 16) {
        for (const auto& mark : file.marks({begin, std::min(begin + (1 << 16), shape.items())})) {
          used = std::max(used, mark.begin + mark.size);
        }
      }
    }
    const FileImage image(shape, used, [&](hid_t file) {
      for (const auto& [name, value] : seal.provenance) h5::set_attribute(file, name, value);
      write_tables(file, seal.tables);
      for (const auto& reduced : seal.reduced) write_reduced(file, reduced);
      Digest digest;
      digest.add(seal.digest);
      h5::set_attribute(file, "digest", digest.text());
    });
    auto header = header_of(image, text);
    const ByteTarget file(path);
    image.put_around_data(file);
    header.structure_digest = structure_digest(ByteFile(path), image.file_bytes(), image.data());
    header.result_digest = seal.digest;
    header.variable_bytes = static_cast<std::uint64_t>(used);
    put_header(file, image.identity().begin, header, Completeness::complete);
  } catch (const Error& error) {
    throw cannot_write_result(path, error);
  }
}

bool ResultFile::has_finished_items(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const ByteFile file(path);
  const FileImage least(shape, least_variable_bytes);
  const auto header = read_header(file, file_bytes, least.identity().begin);
  if (!header) return has_signature(file, file_bytes);
  return has_flags(file, file_bytes, {header->flags_begin, header->flags_end});
}

std::uint64_t ResultFile::check_complete(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const ByteFile file(path);
  const FileImage least(shape, 0);
  const auto header = read_header(file, file_bytes, least.identity().begin);
  if (!header) throw damaged_result(path, "it has no identity");
  check_identity(path, file, file_bytes, *header, least, identity_text(shape));
  const auto used = static_cast<std::int64_t>(header->variable_bytes);
  if (used < 0 || used > file_bytes) throw damaged_result(path, "its identity is not what it was");
  const FileImage image(shape, used);
  if (!header->is_complete() || header->structure_digest != structure_digest(file, file_bytes, image.data())) {
    throw damaged_result(path, "it is not as it was when it was complete");
  }
  return header->result_digest;
}

}  // namespace paceline
