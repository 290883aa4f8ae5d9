#include "storage/file_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "storage/structure.hpp"

namespace paceline {
namespace {

constexpr std::int64_t gap_piece_bytes = std::int64_t{1} << 20;
constexpr hsize_t page = 4096;
constexpr std::int64_t signature_bytes = 8;

/// `threshold`: smallest object that begins on a page.
h5::Handle access_list(PagedMemory& memory, hsize_t threshold) {
  auto list = access_in_memory(memory);
  h5::check(H5Pset_alignment(list.get(), threshold, page), "H5Pset_alignment");
  return list;
}

/// What is left of a file of this size between `data`, in pieces.
template <class Action>
void for_each_gap(std::int64_t file_bytes, std::span<const Slab> data, Action&& action) {
  std::int64_t at = 0;
  const auto cover = [&](std::int64_t end) {
    while (at < end) {
      const auto size = std::min(gap_piece_bytes, end - at);
      action(at, size);
      at += size;
    }
  };
  for (const auto& part : data) {
    cover(std::min(part.begin, file_bytes));
    at = std::max(at, part.end);
  }
  cover(file_bytes);
}

}  // namespace

FileImage::FileImage(const ResultShape& shape, std::int64_t variable_bytes,
                     const std::function<void(hid_t file)>& seal) {
  h5::be_quiet();
  // Result data begins on a page, so that ranks don't share one more than they must.
  h5::Handle file(H5Fcreate("image", H5F_ACC_TRUNC, H5P_DEFAULT, access_list(memory_, 1 << 16).get()), H5Fclose,
                  "H5Fcreate");
  write_structure(file.get(), shape);
  file.close("H5Fclose");
  // Last, and on a page whatever its size: nothing before it, nor its own place, depends on how large it is.
  file = {H5Fopen("image", H5F_ACC_RDWR, access_list(memory_, 1).get()), H5Fclose, "H5Fopen"};
  if (shape.variable) write_variable_bytes(file.get(), *shape.variable, variable_bytes);
  note_places(file.get(), shape);
  if (seal) seal(file.get());
  file.close("H5Fclose");
}

void FileImage::note_places(hid_t file, const ResultShape& shape) {
  for (const auto& path : data_paths(shape)) {
    const auto dataset = h5::open_dataset(file, path);
    const auto begin = H5Dget_offset(dataset.get());
    const auto size = static_cast<std::int64_t>(H5Dget_storage_size(dataset.get()));
    if (begin == HADDR_UNDEF || size == 0) continue;
    const auto first = static_cast<std::int64_t>(begin);
    const bool moves = shape.variable && path == shape.variable->path;
    places_.push_back({path, {first, first + size}, moves});
    data_.push_back(places_.back().bytes);
  }
  identity_ = place_of(identity_path);
  std::sort(data_.begin(), data_.end());
}

Slab FileImage::place_of(const std::string& path) const {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.path == path; });
  return found == places_.end() ? Slab{} : found->bytes;
}

std::uint64_t FileImage::layout_digest() const {
  std::string text;
  for (const auto& place : places_) {
    if (!place.moves) text += fmt::format("{} {} {}\n", place.path, place.bytes.begin, place.bytes.end);
  }
  return item_digest(0, std::as_bytes(std::span(text)));
}

void FileImage::put_around_data(const ByteTarget& file) const { put_from(0, file); }

void FileImage::put_around_data_unsigned(const ByteTarget& file) const { put_from(signature_bytes, file); }

void FileImage::put_signature(const ByteTarget& file) const {
  std::array<char, signature_bytes> bytes{};
  memory_.read(0, bytes);
  file.write(0, bytes);
}

void FileImage::put_from(std::int64_t first, const ByteTarget& file) const {
  file.resize(memory_.size());
  auto left_out = data_;
  left_out.insert(left_out.begin(), {0, first});
  std::vector<char> bytes;
  for_each_gap(memory_.size(), left_out, [&](std::int64_t at, std::int64_t size) {
    bytes.resize(static_cast<std::size_t>(size));
    memory_.read(at, bytes);
    file.write(at, bytes);
  });
}

std::string identity_text(const ResultShape& shape) {
  std::string text;
  for (const auto& [name, value] : shape.attributes) {
    text += std::visit([&](const auto& v) { return fmt::format("{}\t{}\n", name, v); }, value);
  }
  text += fmt::format("the shape\t{}\n", fmt::join(shape.stored_dims(), " x "));
  const auto describe = [&](const std::string& path, ElementType type, std::int64_t width, std::int64_t elements) {
    text += fmt::format("{}\ttype {}, {} bytes, {} elements\n", path, static_cast<int>(type), width, elements);
  };
  if (shape.columns.empty()) describe(shape.path, shape.type, bytes_of(shape.type), shape.rows());
  for (const auto& column : shape.columns) {
    describe(column.path, column.type, column.element_bytes(), shape.elements(column));
  }
  text += fmt::format("items\t{}\n", shape.items());
  return text;
}

bool has_signature(const ByteFile& file, std::int64_t file_bytes) {
  constexpr std::string_view signature("\x89HDF\r\n\x1a\n", signature_bytes);
  if (file_bytes < signature_bytes) return false;
  std::array<char, signature_bytes> bytes{};
  file.read(0, bytes);
  return std::equal(bytes.begin(), bytes.end(), signature.begin());
}

std::uint64_t structure_digest(const ByteFile& file, std::int64_t file_bytes, std::span<const Slab> data) {
  std::uint64_t digest = static_cast<std::uint64_t>(file_bytes);
  std::vector<char> bytes;
  for_each_gap(file_bytes, data, [&](std::int64_t at, std::int64_t size) {
    bytes.resize(static_cast<std::size_t>(size));
    file.read(at, bytes);
    digest += item_digest(at, std::as_bytes(std::span(bytes)));
  });
  return digest;
}

}  // namespace paceline
