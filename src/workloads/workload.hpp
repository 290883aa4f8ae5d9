// What a workload is to the engine: how many items, what they cost, how to compute a slab of them, and how to
// describe the result. A workload knows nothing of ranks and files; the engine knows no workload by name.
//
// Most workloads are the class Workload and nothing else. What only some need is a part: a class of its own that the
// workload also derives from, and names in parts(). The engine asks once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

#include "storage/result_shape.hpp"
#include "workloads/memory_budget.hpp"
#include "workloads/option_set.hpp"

namespace paceline {

/// The numbers of some items, one span an input. Valid during the call they are given to.
using Operands = std::span<const std::span<const double>>;

/// What computing a slab amounted to, in the workload's own unit (for an escape-time image: iterations).
struct Work {
  std::uint64_t useful = 0;    ///< what a user counts; throughput is given in it
  std::uint64_t executed = 0;  ///< what was really done; balance is judged by it

  Work& operator+=(const Work& other) {
    useful += other.useful;
    executed += other.executed;
    return *this;
  }
};

/// Throughput units: `useful` work divided by `per` is counted in `name` per second.
struct RateUnit {
  std::string name;  ///< for example "Giga-iterations/s"
  double per = 1.0;
};

/// Reads finished items of the result. `bytes` is shape().bytes_in(items) long.
using ReadItems = std::function<void(Slab items, std::span<std::byte> bytes)>;

/// Plain facts; valid when the shape is.
struct Traits {
  std::string kernel;  ///< what computes, for the report, for example "AVX2, mandelbrot"
  RateUnit rate_unit;
  RateUnit item_rate_unit;  ///< a second figure of throughput, per item; empty name: none
  /// Items that a thread computes between two looks at the stop flag; at most about a second's worth.
  std::int64_t items_between_checks = 64;
  /// False if items may wait in memory until all are there, so that a slow one holds up none of those behind it.
  bool is_ordered = true;
  /// True where memory bandwidth is the likely limit: then memory is touched first by the thread that works on it, and
  /// the report says what the memory gives.
  bool is_memory_bound = false;
};

/// For Traits: as many items as a thousand million steps hold, of which an item has at most so many.
inline std::int64_t items_of_steps(double most_steps) {
  return std::clamp(static_cast<std::int64_t>(1e9 / std::max(1.0, most_steps)), std::int64_t{1}, std::int64_t{64});
}

/// Where computed items go.
struct ItemOutput {
  std::span<std::byte> bytes;                          ///< shape().bytes_in(items)
  std::vector<std::vector<std::byte>>* variable = {};  ///< where the shape has variable bytes: those of the one item
};

/// Thrown by compute() where the workload has seen that the run is to end: the items stay unfinished.
struct Interrupted {};

/// One rank of several, and how many threads it has.
struct RankInfo {
  int rank = 0;
  int ranks = 1;
  int threads = 1;
};

// ---- Parts

/// What only rank 0 can read, for all: for example a list on its standard input.
class RootInput {
 public:
  /// Called on rank 0, once, after prepare(). Throws Error, also for more than `memory_limit` bytes.
  [[nodiscard]] virtual std::string read_on_root(std::int64_t memory_limit) const = 0;
  /// Called on every rank with what was read. Throws Error.
  virtual void set_root_input(const std::string& text) = 0;

 protected:
  ~RootInput() = default;
};

/// Numbers that items are computed from: they are brought to the ranks before, or while, items are computed.
struct Input {
  std::string name;  ///< for messages, for example "x"
  /// Writes the numbers `elements` of it, the same whoever asks; called by many threads at once. Nothing: they lie in
  /// a file.
  std::function<void(Slab elements, std::span<double> values)> make;
  std::filesystem::path file;     ///< HDF5
  std::string dataset;            ///< of any shape and any real number type
  bool follows_external = false;  ///< whether the file may lead to others

  [[nodiscard]] bool is_made() const { return static_cast<bool>(make); }
};

/// Whether each rank holds the inputs of its own items, or the ranks of a node share one copy.
enum class InputMemory { per_rank, per_node };

class NumberInputs {
 public:
  /// In the order in which compute() gets them; valid after prepare(). All have the same number of elements, and item i
  /// is computed from the elements i * elements_per_item() and on.
  [[nodiscard]] virtual std::span<const Input> inputs() const = 0;
  [[nodiscard]] virtual std::int64_t elements_per_item() const = 0;
  [[nodiscard]] virtual InputMemory input_memory() const = 0;
  /// Called once after prepare() if inputs lie in files, with their shape, which is the same for all. Elements are in
  /// row-major order.
  virtual void set_extents(const std::vector<std::int64_t>& extents) = 0;
  [[nodiscard]] virtual std::int64_t elements() const = 0;

 protected:
  ~NumberInputs() = default;
};

/// A file that a workload takes as plain bytes.
struct Source {
  std::int64_t bytes = 0;  ///< its size
  /// Fills `bytes` from position `at` on; any part, by any thread. Throws Error (input).
  std::function<void(std::int64_t at, std::span<char> bytes)> read;
  std::string origin{};  ///< how it was unpacked or converted, for the report; empty: it was not
};

/// A file whose byte ranges are scanned, all of them, before the shape is known.
class ScannedFile {
 public:
  [[nodiscard]] virtual std::filesystem::path scanned_path() const = 0;
  /// Of the file, if it is to be converted to UTF-8; else empty.
  [[nodiscard]] virtual std::string encoding() const { return {}; }
  /// Called once after prepare() on every rank. `keep_bytes`: of what it finds, for compute(). Throws Error (input).
  virtual void open_source(Source source, std::int64_t keep_bytes) = 0;
  /// The ranges, after that: all of range_bytes() but the last. The same for every layout.
  [[nodiscard]] virtual std::int64_t ranges() const = 0;
  [[nodiscard]] virtual std::int64_t range_bytes() const = 0;
  /// Looks at a range. `bytes` begin with it, and go on behind it as far as they are at hand. False: more are needed,
  /// then it is called again with more, and `facts` is the place in the file of the record that has no end. Else
  /// `facts` are as many for each range. Called by many threads of any ranks at once.
  virtual bool scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) = 0;
  /// Called on every rank with the facts of all ranges in order. Returns ranges that must be scanned again, now that
  /// more is known; none: the shape is known. Throws Error (input), the same on every rank.
  virtual std::vector<std::int64_t> reduce_scan(std::span<const std::int64_t> facts) = 0;

 protected:
  ~ScannedFile() = default;
};

/// Work that can't be shared.
class SerialPart {
 public:
  /// Called on one thread of rank 0, once, while everybody waits, before any item is computed; also by a run that is
  /// resumed. Long work looks at `stop` every few milliseconds and then returns.
  virtual void run_serial_part(const std::function<bool()>& stop) const = 0;

 protected:
  ~SerialPart() = default;
};

/// What a workload that waits is given before its items are computed.
struct StartContext {
  RankInfo rank;
  std::int64_t memory_limit = 0;           ///< bytes of the result that the rank may hold
  std::function<bool()> stop;              ///< whether the run is to end; any thread may ask
  MemoryBudget* variable_bytes = nullptr;  ///< of this rank: the workload takes, the engine gives back what is written
};

/// Items that are waited for instead of computed: they need no cores, and the report says what waiting for many at once
/// has saved.
class Waiting {
 public:
  /// How many items a rank waits for at a time: one each of its workers. A rank that has none takes no part, which the
  /// dynamic schedule alone allows.
  [[nodiscard]] virtual int workers(const RankInfo& rank) const = 0;
  /// Called once on each rank before any item is computed or verified. Throws Error.
  virtual void start(const StartContext& context) = 0;
  /// Begins to wait for an item, and returns at once. By the thread that asks next_done(), for at most so many items
  /// at a time.
  virtual void begin(std::int64_t item) = 0;
  /// One of the items that were begun and have come: compute() gives it without waiting. Nothing when none comes within
  /// some milliseconds. Throws Interrupted when `stop` has come true.
  virtual std::optional<std::int64_t> next_done() = 0;
  /// Called once on each rank that was started when no more items are computed: `stop` is asked no more.
  virtual void end() noexcept = 0;

 protected:
  ~Waiting() = default;
};

/// An item whose result, which is kept, says that it came to nothing. The run goes on, and its check fails at the end.
struct Failure {
  std::int64_t item = 0;
  std::string what;
};

/// Items may fail, and are tried again by a run that is resumed.
class Retries {
 public:
  /// Called on any rank with the bytes of an item that a former run has finished. False: it failed then.
  [[nodiscard]] virtual bool is_settled(std::span<const std::byte> bytes) const = 0;
  /// Those among the items that this rank has computed.
  [[nodiscard]] virtual std::vector<Failure> failures() const = 0;

 protected:
  ~Retries() = default;
};

/// Numbers that follow from the whole result.
class Reduction {
 public:
  /// Called on rank 0 once every item is there.
  [[nodiscard]] virtual Reduced reduce(const ReadItems& read) const = 0;

 protected:
  ~Reduction() = default;
};

/// Files that are drawn from the result once every item is there. A drawing is strips, shared by the ranks of rank 0's
/// node: each looks at its own, all learn the sum of what was seen, each draws its own, rank 0 puts them together.
class DrawnFiles {
 public:
  /// The engine checks that they may be written.
  [[nodiscard]] virtual std::vector<std::filesystem::path> drawn_paths() const = 0;
  /// The same on every rank.
  [[nodiscard]] virtual std::int64_t strips(std::int64_t memory_limit) const = 0;
  /// Counts of anything, as many whatever the strips, which may be none.
  [[nodiscard]] virtual std::vector<std::uint64_t> survey(Slab strips, const ReadItems& read,
                                                          std::int64_t memory_limit) const = 0;
  /// `seen`: the sum of all surveys.
  [[nodiscard]] virtual std::vector<std::byte> draw(Slab strips, std::span<const std::uint64_t> seen,
                                                    const ReadItems& read, std::int64_t memory_limit) const = 0;
  /// On rank 0: what draw() has returned, in the order of the strips. Throws Error (output).
  virtual void assemble(std::span<const std::vector<std::byte>> drawn, std::int64_t memory_limit) const = 0;

 protected:
  ~DrawnFiles() = default;
};

/// Null where a workload has no such part.
struct Parts {
  RootInput* root_input = nullptr;
  NumberInputs* inputs = nullptr;
  ScannedFile* scanned_file = nullptr;
  SerialPart* serial = nullptr;
  Waiting* waiting = nullptr;
  Retries* retries = nullptr;
  Reduction* reduction = nullptr;
  DrawnFiles* drawn_files = nullptr;
};

// ---- The core

class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;

  /// Declares the workload's own options; they are read into the object.
  virtual void add_options(OptionSet& options) = 0;
  /// Called once after that. Throws Error (usage) for values that make no sense together.
  virtual void prepare() = 0;
  /// Valid after prepare(), and when the parts know what they need.
  [[nodiscard]] virtual const ResultShape& shape() const = 0;
  [[nodiscard]] virtual Traits traits() const = 0;
  /// Called once after prepare().
  [[nodiscard]] virtual Parts parts() { return {}; }

  /// Computes `items`. Called by many threads at once; for one item at a time where the shape has columns, origins or
  /// variable bytes.
  virtual Work compute(Slab items, Operands operands, ItemOutput output) const = 0;
  /// The same by the scalar reference, for --verify.
  virtual void compute_reference(Slab items, Operands operands, ItemOutput output) const = 0;
  /// Estimated cost of one item in any unit, much cheaper than computing it. Called by many threads at once.
  [[nodiscard]] virtual double estimate_cost(std::int64_t /*item*/) const { return 1; }
};

/// A workload as the command line knows it.
struct WorkloadEntry {
  std::string name;
  std::string summary;
  std::string default_schedule;
  std::unique_ptr<Workload> (*make)();
};

/// Every workload, one line each in src/workloads/registry.cpp.
const std::vector<WorkloadEntry>& workloads();

}  // namespace paceline
