// What several tests need: temporary folders, errors as values, and a workload that is cheap and easy to check.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/error.hpp>

#include "storage/result_file.hpp"
#include "workloads/workload.hpp"

namespace paceline::test {

/// An empty folder, removed with all it holds.
class TempFolder {
 public:
  TempFolder() {
    auto text = (std::filesystem::temp_directory_path() / "paceline-test-XXXXXX").string();
    if (mkdtemp(text.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = text;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code code;
    std::filesystem::remove_all(path_, code);
  }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// One folder for all ranks. Construction and destruction are collective.
class SharedFolder {
 public:
  explicit SharedFolder(const Comm& comm) : comm_(comm) {
    if (comm.rank() == 0) mine_.emplace();
    path_ = comm.gather_all_text(mine_ ? mine_->path().string() : "").front();
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  ~SharedFolder() { MPI_Barrier(comm_.handle()); }
  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  Comm comm_;
  std::optional<TempFolder> mine_;
  std::filesystem::path path_;
};

/// The Error that `action` throws, if it throws one.
template <class Expected = Error, class Action>
std::optional<Expected> error_of(Action&& action) {
  try {
    action();
  } catch (const Expected& error) {
    return error;
  }
  return std::nullopt;
}

inline bool says(const Error& error, const std::string& part) {
  return std::string(error.what()).find(part) != std::string::npos;
}

/// Spreads the bits of a number; the same on every rank and machine.
constexpr std::uint64_t scrambled(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// Bytes that no other item has.
inline void fill_item(std::int64_t item, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(scrambled(static_cast<std::uint64_t>(item) * 1000 + i) & 0xff);
  }
}

inline std::vector<std::byte> item_bytes(std::int64_t item, std::int64_t size) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  fill_item(item, bytes);
  return bytes;
}

/// `items` rows of `width` numbers of one byte, as fill_item() makes them.
inline ResultShape numbers_shape(std::int64_t items, std::int64_t width) {
  ResultShape shape;
  shape.path = "/numbers/values";
  shape.type = ElementType::uint8;
  shape.dims = {items, width};
  shape.units = std::string("s");  // of a string: g++ 12 warns of "s" itself, wrongly
  shape.attributes = {{"kind", std::string("numbers")}, {"seed", std::int64_t{7}}, {"scale", 0.5}};
  return shape;
}

/// What is kept beside an item of these bytes.
inline ItemMark mark_of(std::int64_t item, std::span<const std::byte> bytes, const Pieces& variable = {}) {
  ItemMark mark;
  mark.digest = digest_of({}, item, bytes, variable);
  for (const auto& piece : variable) mark.size += std::ssize(piece);
  return mark;
}

/// Computes numbers_shape(); can be told to throw at one item.
class Numbers : public Workload {
 public:
  Numbers(std::int64_t items, std::int64_t width) : shape_(numbers_shape(items, width)) {}
  void add_options(OptionSet& /*options*/) override {}
  void prepare() override {}
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override {
    Traits traits;
    traits.kernel = std::string("none");  // of a string, as above
    traits.rate_unit = {"items/s", 1.0};
    return traits;
  }
  Work compute(Slab items, Operands operands, ItemOutput output) const override {
    if (fails_at >= items.begin && fails_at < items.end) throw std::runtime_error(fmt::format("item {}", fails_at));
    compute_reference(items, operands, output);
    return {static_cast<std::uint64_t>(items.size()), static_cast<std::uint64_t>(2 * items.size())};
  }
  void compute_reference(Slab items, Operands /*none*/, ItemOutput output) const override {
    auto rest = output.bytes;
    for (auto item = items.begin; item < items.end; ++item) {
      const auto each = shape_.bytes_in({item, item + 1});
      fill_item(item, rest.first(each));
      rest = rest.subspan(each);
    }
  }
  [[nodiscard]] double estimate_cost(std::int64_t item) const override { return static_cast<double>(item + 1); }

  std::int64_t fails_at = -1;

 private:
  ResultShape shape_;
};

}  // namespace paceline::test
