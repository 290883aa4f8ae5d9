#include "workloads/array/array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <numeric>

#include <paceline/error.hpp>

#include "host/text.hpp"
#include "workloads/array/partial.hpp"
#include "workloads/array/philox.hpp"
#include "workloads/table/names.hpp"
#include "workloads/table/table.hpp"

namespace paceline::array {
namespace {

// Bytes are counted in 64 bits, with room for all arrays together.
constexpr std::int64_t largest_size = std::int64_t{1} << 56;
// Partials read at once where the tree over them is built.
constexpr std::int64_t partials_at_once = 1 << 16;

const std::map<std::string, InputMemory> memories{{"private", InputMemory::per_rank},
                                                  {"shared", InputMemory::per_node}};

std::vector<std::string> operation_names() {
  std::vector<std::string> names;
  for (const auto& operation : operations()) names.push_back(operation.name);
  return names;
}

/// Where the colon is behind the name of a CSV file; npos: it is none.
std::size_t colon_of_csv(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char byte) { return std::tolower(byte); });
  if (lower.starts_with("-:")) return 1;
  auto first = std::string::npos;
  for (const char* kind : {".csv", ".tsv", ".txt"}) {
    for (const char* packed : {"", ".gz", ".zst"}) {
      const auto ending = fmt::format("{}{}:", kind, packed);
      const auto at = lower.find(ending);
      if (at != std::string::npos) first = std::min(first, at + ending.size() - 1);
    }
  }
  return first;
}

}  // namespace

void Array::add_options(OptionSet& options) {
  options.add("--op", name_, fmt::format("{}", fmt::join(operation_names(), ", ")))
      .one_of(operation_names())
      .shown("NAME (multiply)");
  options.add("--size", size_, "elements of each array").from(1, largest_size).shown(fmt::format("N ({})", size_));
  options.add("--seed", seed_, "x is NumPy's Generator(Philox(key=S)).random(N), y the same with S + 1")
      .from(0, std::numeric_limits<std::int64_t>::max() - 1)
      .shown(fmt::format("S ({})", seed_));
  options.add("--input", input_, "take x and y from datasets of an HDF5 file, or columns of a CSV file, instead")
      .shown("FILE.h5:/x,/y|FILE.csv:x,y")
      .excludes("--size")
      .excludes("--seed");
  options.add_choice("--memory", memory_, memories, "each rank holds its own blocks, or a node's ranks share one copy")
      .shown("private|shared (private)");
  options.add("--allow-external", follows_external_, "follow what leads out of an HDF5 file to others");
  csv_options_.add_to(options);
}

void Array::prepare() {
  operation_ = &operation(name_);
  inputs_.clear();
  csv_.reset();
  if (!input_.empty()) {
    read_from(input_);
    return;
  }
  for (int k = 0; k < operation_->arrays; ++k) {
    const auto key = static_cast<std::uint64_t>(seed_ + k);
    auto& input = inputs_.emplace_back();
    input.name = std::string(1, k == 0 ? 'x' : 'y');
    input.make = [key](Slab elements, std::span<double> values) { philox_uniform(key, elements.begin, values); };
  }
  source_ = {{"seed", seed_}};
  set_extents({size_});
}

/// FILE.csv:x,y
void Array::read_from_csv(const std::string& text, std::size_t colon) {
  const auto names = table::read_names(std::string_view(text).substr(colon + 1), "--input", {});
  if (std::ssize(names) != operation_->arrays) {
    throw Error(ErrorKind::usage, fmt::format("--input {} makes no sense", text),
                fmt::format("{} needs {}, {} named", name_, plural(operation_->arrays, "column"),
                            names.size() == 1 ? "1 is" : fmt::format("{} are", names.size())),
                fmt::format("give --input {}", operation_->arrays == 1 ? "FILE.csv:x" : "FILE.csv:x,y"));
  }
  const std::filesystem::path file = text.substr(0, colon);
  csv_.emplace(file, names, 0, csv_options_);
  for (std::size_t k = 0; k < names.size(); ++k) {
    auto& input = inputs_.emplace_back();
    input.name = std::string(1, k == 0 ? 'x' : 'y');
    input.make = [this, k](Slab elements, std::span<double> values) { csv_->read_reals(k, elements, values); };
  }
  source_ = {{"input", text}, {"input_modified", table::modified(file)}};
  if (const auto options = csv_options_.text(); !options.empty()) source_.emplace_back("dialect", options);
}

std::vector<std::int64_t> Array::reduce_scan(std::span<const std::int64_t> facts) {
  auto again = csv_->reduce(facts);
  if (!again.empty()) return again;
  const auto rows = csv_->starts().back();
  for (const auto& column : csv_->columns()) {
    const auto fail = [&](const std::string& why) {
      return Error(ErrorKind::input, fmt::format("can't take {}:{} as an array", csv_->path().string(), column.name),
                   why, "name a column of numbers, a number in each record");
    };
    if (rows == 0) throw fail("it has no records");
    if (column.kind == table::Kind::text) throw fail("it holds text");
    if (column.missing > 0) throw fail(fmt::format("{} of {} values are missing", column.missing, rows));
  }
  set_extents({rows});
  return again;
}

/// FILE.h5:/x,/y
void Array::read_from(const std::string& text) {
  if (const auto at = colon_of_csv(text); at != std::string::npos) return read_from_csv(text, at);
  const auto bad = [&](const std::string& why) {
    const auto* example = operation_->arrays == 1 ? "FILE.h5:/x" : "FILE.h5:/x,/y";
    return Error(ErrorKind::usage, fmt::format("--input {} makes no sense", text), why,
                 fmt::format("give --input {}", example));
  };
  const auto colon = table::last_colon(text);
  if (colon == std::string::npos || colon == 0) throw bad("it wants a file, a colon and datasets");
  if (const auto options = csv_options_.text(); !options.empty()) {
    throw bad(fmt::format("{} is for CSV files", options));
  }
  const std::filesystem::path file = text.substr(0, colon);
  for (const auto& [dataset, type] : table::read_names(std::string_view(text).substr(colon + 1), "--input", {})) {
    auto& input = inputs_.emplace_back();
    input.name = std::string(1, inputs_.size() == 1 ? 'x' : 'y');
    input.file = file;
    input.dataset = dataset.front() == '/' ? dataset : fmt::format("/{}", dataset);
    input.follows_external = follows_external_;
  }
  if (std::ssize(inputs_) != operation_->arrays) {
    throw bad(fmt::format("{} needs {}, {} named", name_, plural(operation_->arrays, "dataset"),
                          inputs_.size() == 1 ? "1 is" : fmt::format("{} are", inputs_.size())));
  }
  source_ = {{"input", text}, {"input_modified", table::modified(file)}};
}

void Array::set_extents(const std::vector<std::int64_t>& extents) {
  const auto elements = std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
  size_ = elements;
  const auto blocks = (elements + block_elements - 1) / block_elements;
  shape_ = {};
  shape_.type = ElementType::float64;
  if (operation_->reduces) {
    shape_.path = "/array/partials";
    shape_.dims = {blocks, 2};
  } else {
    shape_.path = "/array/z";
    shape_.dims = {elements};
    if (extents.size() > 1) shape_.extents = extents;
    shape_.rows_per_item = block_elements;
  }
  shape_.attributes = {{"operation", operation_->formula}, {"size", elements}};
  shape_.attributes.insert(shape_.attributes.end(), source_.begin(), source_.end());
}

Traits Array::traits() const {
  Traits traits;
  traits.kernel = fmt::format("{}: {}, {}, {:.0f} bytes per element", name_, operation_->formula, simd_target_name(),
                              operation_->bytes_per_element);
  traits.rate_unit = {"GB/s", 1e9};
  traits.item_rate_unit = {"Giga-elements/s", 1e9 / static_cast<double>(block_elements)};
  traits.items_between_checks = items_of_steps(operation_->bytes_per_element * static_cast<double>(block_elements));
  traits.is_memory_bound = true;
  return traits;
}

Parts Array::parts() {
  Parts parts;
  parts.inputs = this;
  if (csv_) parts.scanned_file = this;
  if (operation_->reduces) parts.reduction = this;
  return parts;
}

Work Array::compute(Slab items, Operands operands, ItemOutput output) const {
  run(operation_->run, items, operands, output.bytes);
  const auto moved =
      static_cast<std::uint64_t>(operation_->bytes_per_element * static_cast<double>(operands.front().size()));
  return {moved, moved};
}

void Array::compute_reference(Slab items, Operands operands, ItemOutput output) const {
  run(operation_->reference, items, operands, output.bytes);
}

void Array::run(Kernel kernel, Slab items, Operands operands, std::span<std::byte> bytes) const {
  const std::span out(reinterpret_cast<double*>(bytes.data()), bytes.size() / sizeof(double));
  const auto x = operands[0];
  const auto y = operands.size() > 1 ? operands[1] : std::span<const double>{};
  if (!operation_->reduces) {
    kernel(x, y, out);
    return;
  }
  for (std::size_t block = 0; block < static_cast<std::size_t>(items.size()); ++block) {
    const auto part = [&](std::span<const double> all) {
      const auto first = std::min(block * block_elements, all.size());
      return all.subspan(first, std::min(static_cast<std::size_t>(block_elements), all.size() - first));
    };
    kernel(part(x), part(y), out.subspan(2 * block, 2));
  }
}

Reduced Array::reduce(const ReadItems& read) const {
  PartialTree tree;
  std::vector<Partial> partials;
  for (std::int64_t begin = 0; begin < shape_.items(); begin += partials_at_once) {
    const Slab items{begin, std::min(begin + partials_at_once, shape_.items())};
    partials.resize(static_cast<std::size_t>(items.size()));
    read(items, std::as_writable_bytes(std::span(partials)));
    for (const auto& partial : partials) tree.add(partial);
  }
  return {"/array/value", operation_->formula, {}, {tree.sum().value()}};
}

}  // namespace paceline::array
