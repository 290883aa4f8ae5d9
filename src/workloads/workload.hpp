// What a workload is to the engine: how many items, what they cost, how to compute a slab of them, and how to
// describe the result. A workload knows nothing of ranks and files; the engine knows nothing of fractals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <paceline/slab.hpp>

#include "storage/result_shape.hpp"

namespace CLI {
class App;
}

namespace paceline {

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

/// A file that a workload takes as plain bytes.
struct Source {
  std::int64_t bytes = 0;  ///< its size
  /// Fills `bytes` from position `at` on; any part, by any thread. Throws Error (input).
  std::function<void(std::int64_t at, std::span<char> bytes)> read;
  std::string origin{};  ///< how it was unpacked or converted, for the report; empty: it was not
};

/// Whether each rank holds the inputs of its own items, or the ranks of a node share one copy.
enum class InputMemory { per_rank, per_node };

/// The numbers of some items, one span an input. Valid during the call they are given to.
using Operands = std::span<const std::span<const double>>;

/// What computing a slab amounted to, in the workload's own unit (for the fractal: iterations).
struct Work {
  std::uint64_t useful = 0;    ///< what a user counts; throughput is given in it
  std::uint64_t executed = 0;  ///< what was really done; balance is judged by it

  Work& operator+=(const Work& other) {
    useful += other.useful;
    executed += other.executed;
    return *this;
  }
};

/// One rank of several, and how many threads it has.
struct Place {
  int rank = 0;
  int ranks = 1;
  int threads = 1;
};

/// What a workload is told before its items are computed.
struct Post {
  Place place;
  std::int64_t memory_limit = 0;  ///< bytes of the result that the rank may hold
  std::function<bool()> stop;     ///< whether the run is to end; any thread may ask
  /// Bytes of parcels that the engine holds here, finished and not yet written; any thread may ask.
  std::function<std::int64_t()> held_bytes;
};

/// Thrown by compute_parcel() where the workload has seen that the run is to end: the item stays unfinished.
struct Interrupted {};

/// An item whose result, which is kept, says that it came to nothing. The run goes on, and its check fails at the end.
struct Failure {
  std::int64_t item = 0;
  std::string what;
};

/// Throughput units: `useful` work divided by `per` is counted in `name` per second.
struct RateUnit {
  std::string name;  ///< for example "Giga-iterations/s"
  double per = 1.0;
};

/// Reads finished items of the result: bytes must be items.size() * bytes_per_item long. An item that is not whole
/// leaves the end of its place as it was.
using ReadItems = std::function<void(Slab items, std::span<std::byte> bytes)>;
/// Reads one finished item of a variable shape.
using ReadParcel = std::function<std::vector<std::byte>(std::int64_t item)>;

class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;

  /// Declares the workload's own options; they are parsed into the object.
  virtual void add_options(CLI::App& app) = 0;
  /// Called once after parsing. Throws Error (usage) for values that make no sense together.
  virtual void prepare() = 0;

  /// What only rank 0 can read, for all: for example a list on its standard input. If there is such a thing, it is read
  /// there once, after prepare(), and given to every rank; of more than `memory_limit` bytes it is refused. Both throw
  /// Error.
  [[nodiscard]] virtual bool has_brief() const { return false; }
  [[nodiscard]] virtual std::string read_brief(std::int64_t /*memory_limit*/) const { return {}; }
  virtual void set_brief(const std::string& /*text*/) {}

  /// What items are computed from, in the order in which compute() gets it; valid after prepare(). All have the same
  /// number of elements, and item i is computed from the elements i * elements_per_item() and on.
  [[nodiscard]] virtual std::span<const Input> inputs() const { return {}; }
  [[nodiscard]] virtual std::int64_t elements_per_item() const { return 1; }
  [[nodiscard]] virtual InputMemory input_memory() const { return InputMemory::per_rank; }
  /// Called once after prepare() if inputs lie in files: how many elements there are.
  virtual void set_elements(std::int64_t /*elements*/) {}
  [[nodiscard]] virtual std::int64_t elements() const { return 0; }
  /// A file whose byte ranges are surveyed, all of them once, before the shape is known; empty: there is none.
  [[nodiscard]] virtual std::filesystem::path source() const { return {}; }
  /// Its encoding, if it is to be converted to UTF-8.
  [[nodiscard]] virtual std::string source_encoding() const { return {}; }
  /// Called once after prepare() on every rank. `keep_bytes`: of what it finds, for compute(). Throws Error (input).
  virtual void open_source(Source /*source*/, std::int64_t /*keep_bytes*/) {}
  /// The ranges, after that: all of range_bytes() but the last. The same for every layout.
  [[nodiscard]] virtual std::int64_t ranges() const { return 0; }
  [[nodiscard]] virtual std::int64_t range_bytes() const { return 1; }
  /// Looks at a range. `bytes` begin with it, and go on behind it as far as they are at hand. False: more are needed,
  /// then it is called again with more, and `facts` has the place in the file of what has no end. `facts`: as many for
  /// each range. Called by many threads of any ranks at once.
  virtual bool survey(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts);
  /// Called on every rank with the facts of all ranges in order. Returns ranges that must be surveyed again, now that
  /// more is known; none: the shape is known. Throws Error (input), the same on every rank.
  virtual std::vector<std::int64_t> conclude_survey(std::span<const std::int64_t> /*facts*/) { return {}; }

  /// True where memory bandwidth is the likely limit: then memory is touched first by the thread that works on it, and
  /// the report tells what the memory gives.
  [[nodiscard]] virtual bool is_memory_bound() const { return false; }

  /// Valid after prepare() and, if it was due, set_elements().
  [[nodiscard]] virtual const ResultShape& shape() const = 0;
  /// What computes, for the report, for example "AVX2, mandelbrot".
  [[nodiscard]] virtual std::string kernel_name() const = 0;
  [[nodiscard]] virtual RateUnit rate_unit() const = 0;
  /// A second figure of throughput per item, for example megapixels; empty name: none.
  [[nodiscard]] virtual RateUnit item_rate_unit() const { return {}; }
  /// False if items may wait in memory until all are there, so that a slow one holds up none of those behind it.
  [[nodiscard]] virtual bool is_ordered() const { return true; }
  /// Upper bound of the work of one item; keeps chunks short enough to stop soon.
  [[nodiscard]] virtual double worst_item_work() const = 0;

  /// How many workers of the engine a rank has: as many as threads, but more where they mostly wait. Where it has none
  /// it takes no part, which the dynamic schedule alone allows.
  [[nodiscard]] virtual int concurrency(const Place& place) const { return place.threads; }
  /// True if workers wait instead of computing: then they need no cores, and the report tells what waiting for many at
  /// once has saved.
  [[nodiscard]] virtual bool is_waiting() const { return false; }

  /// Called once on each rank before any item is computed or verified. Throws Error.
  virtual void start(const Post& /*post*/) {}
  /// Called once on each rank that was started when no more items are computed: `Post::stop` is asked no more.
  virtual void end() noexcept {}

  /// Work that can't be shared: called on one thread of rank 0, once, while everybody waits, before any item is
  /// computed; also by a run that is resumed. Long work looks at `stop` every few milliseconds and then returns.
  virtual void serial_part(const std::function<bool()>& stop) const;

  /// Computes `items` into `bytes`, which is shape().bytes_in(items) long. Called by many threads at once; of a shape
  /// with columns, for one item at a time. Every workload has it unless its shape is variable.
  virtual Work compute(Slab items, Operands operands, std::span<std::byte> bytes) const;
  /// The same by the scalar reference, for --verify.
  virtual void compute_reference(Slab items, Operands operands, std::span<std::byte> bytes) const;
  /// For variable shapes: makes the parcel of one item, see <paceline/parcel.hpp>. Called by many threads at once.
  virtual Work compute_parcel(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const;
  virtual void compute_parcel_reference(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const;
  /// Estimated cost of one item in any unit, much cheaper than computing it. Called by many threads at once.
  [[nodiscard]] virtual double estimate_cost(std::int64_t item) const = 0;

  /// Whether items, which are parcels, may fail: then the engine asks for failures().
  [[nodiscard]] virtual bool has_failures() const { return false; }
  /// Called on any rank with a parcel that a former run has finished, as it was found in the file. False: it failed
  /// then, and a run that goes on tries it again.
  [[nodiscard]] virtual bool is_settled(std::span<const std::byte> /*parcel*/) const { return true; }
  /// Those among the items that this rank has computed.
  [[nodiscard]] virtual std::vector<Failure> failures() const { return {}; }

  /// Whether conclude() makes anything.
  [[nodiscard]] virtual bool has_value() const { return false; }
  /// Called on rank 0 once every item is there: what follows from them.
  [[nodiscard]] virtual Conclusion conclude(const ReadItems& /*read*/) const { return {}; }

  /// Files that finish() writes beside the result; the engine checks that they may be written.
  [[nodiscard]] virtual std::vector<std::filesystem::path> side_outputs() const { return {}; }
  /// Called on rank 0 once every item is there.
  virtual void finish(const ReadItems& read, std::int64_t memory_limit) const;
};

inline bool Workload::survey(std::int64_t /*range*/, std::span<const char> /*bytes*/,
                             std::vector<std::int64_t>& /*facts*/) {
  throw std::logic_error("a workload lacks survey()");
}

inline Work Workload::compute(Slab /*items*/, Operands /*operands*/, std::span<std::byte> /*bytes*/) const {
  throw std::logic_error("a workload lacks compute()");
}

inline void Workload::compute_reference(Slab /*items*/, Operands /*operands*/, std::span<std::byte> /*bytes*/) const {
  throw std::logic_error("a workload lacks compute_reference()");
}

inline Work Workload::compute_parcel(std::int64_t /*item*/, Operands /*operands*/,
                                     std::vector<std::byte>& /*parcel*/) const {
  throw std::logic_error("a workload lacks compute_parcel()");
}

inline void Workload::compute_parcel_reference(std::int64_t /*item*/, Operands /*operands*/,
                                               std::vector<std::byte>& /*parcel*/) const {
  throw std::logic_error("a workload lacks compute_parcel_reference()");
}

inline void Workload::serial_part(const std::function<bool()>& /*stop*/) const {}

inline void Workload::finish(const ReadItems& /*read*/, std::int64_t /*memory_limit*/) const {}

/// A workload as the command line knows it.
struct WorkloadEntry {
  std::string name;
  std::string summary;
  std::string default_schedule;
  std::unique_ptr<Workload> (*make)();
};

/// The SIMD instructions that kernels use on this machine, for example "AVX2".
std::string simd_target();

/// Every workload, one line each in src/workloads/registry.cpp.
const std::vector<WorkloadEntry>& workloads();

}  // namespace paceline
