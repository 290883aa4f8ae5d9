// The inputs of a run: how they come to those who compute. Made or read before anybody computes where they fit under
// the memory limit, band by band or just in time where they don't.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/node_memory.hpp>

#include "engine/input_source.hpp"
#include "engine/plan.hpp"
#include "host/page_buffer.hpp"
#include "workloads/workload.hpp"

namespace paceline {

class Inputs {
 public:
  /// Seconds of this rank.
  struct Times {
    double allocate_s = 0;        ///< getting memory, and touching it first
    std::int64_t huge_bytes = 0;  ///< of it, in huge pages
    double fill_s = 0;            ///< making or reading
    double copy_s = 0;            ///< sending what rank 0 made to the ranks that need it
  };

  /// Collective over `world`; `node` are its ranks that share memory. Opens files; errors are agreed upon.
  /// `inputs` null: there are none.
  Inputs(const Plan& plan, const NumberInputs* inputs, const Comm& world, const Comm& node);

  /// Collective over the world: brings resident inputs to where they are needed. Errors are agreed upon.
  void load();

  // For the writing thread, of inputs that are streamed.

  /// Collective: reads further bands as far as there is room, given that `released` bands are done with. Returns the
  /// first error of this rank, having taken part in everything.
  std::optional<Error> read_ahead(std::int64_t released);

  // For compute threads.

  /// What a thread makes for itself.
  struct Scratch {
    std::vector<std::vector<double>> values;
    std::vector<std::span<const double>> spans;
    double make_s = 0;
  };
  [[nodiscard]] bool is_ready(std::int64_t band) const;
  /// The operands of items of a band that is ready; valid until the next call with the same scratch.
  [[nodiscard]] Operands of(std::int64_t band, Slab items, Scratch& scratch) const;

  [[nodiscard]] const Times& times() const { return times_; }

 private:
  /// Memory of one input for the items of one band, or of all bands.
  struct Slot {
    PageBuffer own;
    std::unique_ptr<NodeMemory> shared;
    std::span<double> values;  ///< from the first item of window() on
  };

  [[nodiscard]] bool is_shared() const { return inputs_->input_memory() == InputMemory::per_node; }
  [[nodiscard]] Slab window(std::int64_t band) const;
  [[nodiscard]] Slab filled_here(std::int64_t band) const;
  [[nodiscard]] std::span<double> place(std::int64_t band, std::size_t input, Slab items) const;
  void allocate(std::int64_t slots);
  void allocate_shared(std::int64_t slots);
  void first_touch(std::int64_t slots) const;
  void make_here();
  void make_on_first_and_send();
  void send_slabs(std::size_t input, const std::array<PageBuffer, 2>& pieces);
  void read_items(std::int64_t band, Slab items, std::optional<Error>& first);

  const Plan& plan_;
  const NumberInputs* inputs_;
  Comm world_;
  Comm node_;
  std::vector<int> node_world_ranks_;
  std::vector<InputFile> files_;
  std::vector<std::vector<Slot>> slots_;  ///< a row per slot, an entry an input
  std::atomic<std::int64_t> ready_{0};    ///< bands that are read
  Times times_;
};

}  // namespace paceline
