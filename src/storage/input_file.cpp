#include "storage/input_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>

#include <paceline/error.hpp>

#include "host/child_worker.hpp"
#include "storage/byte_file.hpp"
#include "storage/input_dataset.hpp"

namespace paceline {
namespace {

constexpr std::int64_t piece_elements = std::int64_t{1} << 19;
// Seconds of computing that the child has to open a file, and to read a piece ...
constexpr double patience_s = 20;
// ... and longer where so many bytes must be unpacked for it.
constexpr double slowest_bytes_per_s = 20e6;
// For HDF5 itself, beside what is unpacked: it holds a chunk up to three times.
constexpr std::int64_t room_bytes = std::int64_t{256} << 20;

}  // namespace

struct InputFile::Impl {
  std::filesystem::path path;
  std::string place;
  std::unique_ptr<ChildWorker> child;
  std::unique_ptr<ByteFile> bytes;  ///< of a dataset that needs no HDF5
  DatasetFacts facts;

  void call(Slab elements, double cpu_s) const {
    try {
      child->call(std::array{elements.begin, elements.end}, cpu_s);
    } catch (const ChildWorker::Died& death) {
      throw Error(ErrorKind::input, fmt::format("can't read {}", place), death.why,
                  "it is damaged: bring another copy");
    }
  }

  /// As they are stored.
  void read(Slab elements, std::span<double> values) const {
    if (bytes) {
      const auto at = facts.position + elements.begin * std::int64_t{sizeof(double)};
      return bytes->read(at, {reinterpret_cast<char*>(values.data()), values.size_bytes()});
    }
    for (auto begin = elements.begin; begin < elements.end; begin += piece_elements) {
      const Slab piece{begin, std::min(begin + piece_elements, elements.end)};
      call(piece, patience_s + 2 * static_cast<double>(facts.read_bytes) / slowest_bytes_per_s);
      std::memcpy(&values[static_cast<std::size_t>(begin - elements.begin)], child->shared().data(),
                  static_cast<std::size_t>(piece.size()) * sizeof(double));
    }
  }

  void refuse_missing(Slab elements, std::span<const double> values) const {
    const auto marks = std::span(facts.marks).first(static_cast<std::size_t>(facts.mark_count));
    const auto is_missing = [&](double value) {
      const bool is_marked = std::any_of(marks.begin(), marks.end(), [&](double mark) {
        return value == mark || (std::isnan(value) && std::isnan(mark));
      });
      return is_marked || (facts.has_range && !(value >= facts.lowest && value <= facts.highest));
    };
    const auto found = std::find_if(values.begin(), values.end(), is_missing);
    if (found == values.end()) return;
    throw Error(ErrorKind::input, fmt::format("can't read {}", place),
                fmt::format("element {} is missing: it is stored as {:g}, by which its file{} marks what is missing",
                            elements.begin + (found - values.begin()), *found,
                            facts.is_packed ? ", whose numbers scale_factor and add_offset unpack," : ""),
                "fill or leave out what is missing first");
  }
};

InputFile::InputFile(const std::filesystem::path& path, const std::string& dataset, const InputAccess& access)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->place = fmt::format("{}:{}", path.string(), dataset);
  const auto external = access.follows_external ? h5::External::followed : h5::External::refused;
  // The first call opens the dataset, the others read from it.
  const auto set = std::make_shared<std::optional<InputDataset>>();
  const auto answer = [=, limit = access.memory_limit](std::span<const std::int64_t> request,
                                                       std::span<std::byte> shared) {
    if (!*set) {
      set->emplace(path, dataset, external, limit);
      std::memcpy(shared.data(), &(*set)->facts(), sizeof(DatasetFacts));
      return;
    }
    const Slab elements{request[0], request[1]};
    try {
      (*set)->read(elements, {reinterpret_cast<double*>(shared.data()), static_cast<std::size_t>(elements.size())});
    } catch (const Error& error) {
      throw Error(ErrorKind::input, fmt::format("can't read {}:{}", path.string(), dataset), error.what(),
                  "see that it is whole");
    }
  };
  impl_->child = std::make_unique<ChildWorker>(static_cast<std::size_t>(piece_elements) * sizeof(double),
                                               4 * access.memory_limit + room_bytes, answer);
  impl_->call({}, patience_s);
  std::memcpy(&impl_->facts, impl_->child->shared().data(), sizeof(DatasetFacts));
  if (impl_->facts.position < 0) return;
  impl_->bytes = std::make_unique<ByteFile>(path);
  impl_->child.reset();
}

InputFile::InputFile(InputFile&&) noexcept = default;
InputFile::~InputFile() = default;

std::int64_t InputFile::elements() const { return impl_->facts.elements; }

std::vector<std::int64_t> InputFile::extents() const {
  const auto& facts = impl_->facts;
  std::vector<std::int64_t> extents;
  std::copy_if(facts.extents.begin(), facts.extents.begin() + facts.dimensions, std::back_inserter(extents),
               [](std::int64_t extent) { return extent != 1; });
  if (extents.empty()) extents = {1};
  return extents;
}

void InputFile::read(Slab elements, std::span<double> values) const {
  if (elements.empty()) return;
  values = values.first(static_cast<std::size_t>(elements.size()));
  const auto& facts = impl_->facts;
  impl_->read(elements, values);
  if (facts.mark_count > 0 || facts.has_range) impl_->refuse_missing(elements, values);
  if (!facts.is_packed) return;
  for (auto& value : values) value = value * facts.scale + facts.offset;
}

}  // namespace paceline
