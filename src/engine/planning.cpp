#include "engine/planning.hpp"

#include "engine/output.hpp"

namespace paceline {
namespace {

/// Costs of sample_items(), each computed by one rank and known to all.
std::vector<double> sampled_costs(const Comm& world, const Workload& workload, int threads) {
  const auto items = sample_items(workload.shape().items(), world.size());
  const auto mine = even_part({0, static_cast<std::int64_t>(items.size())}, world.rank(), world.size());
  std::vector<double> costs(static_cast<std::size_t>(mine.size()));
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t k = mine.begin; k < mine.end; ++k) {
    costs[static_cast<std::size_t>(k - mine.begin)] = workload.estimate_cost(items[static_cast<std::size_t>(k)]);
  }
  std::vector<double> all;
  for (const auto& part : world.gather_all(costs)) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

int agreed_threads(const Comm& world, const Machine& machine, const std::vector<std::vector<int>>& bound, int asked) {
  const auto cores = fair_cores(machine, bound);
  int threads = 0;
  collective(world, [&] { threads = threads_of_rank(asked, cores); });
  return world.reduce_all(threads, MPI_MAX);
}

void read_root_input(const Comm& world, RootInput* input, std::int64_t memory_limit) {
  if (input == nullptr) return;
  std::string text;
  collective(world, [&] {
    if (world.rank() == 0) text = input->read_on_root(memory_limit);
  });
  const auto everywhere = world.gather_all_text(text).front();
  collective(world, [&] { input->set_root_input(everywhere); });
}

Plan make_plan(const Comm& world, const Comm& node, const RunOptions& options, const Parts& parts, int threads) {
  const auto& workload = *options.workload;
  const auto& shape = workload.shape();
  const auto traits = workload.traits();
  PlanRequest request;
  request.items = shape.items();
  // A mark is held beside each item.
  request.bytes_per_item = shape.most_bytes_per_item() + std::int64_t{sizeof(ItemMark)};
  request.datasets = std::max(std::int64_t{1}, std::ssize(shape.columns));
  request.ordered = traits.is_ordered;
  // Variable bytes are counted, and given back, by who takes them out of bands.
  request.kept = is_kept(options, parts) || shape.variable;
  request.ranks = world.size();
  request.nodes = world.reduce_all(node.rank() == 0 ? 1 : 0, MPI_SUM);
  // Workers that wait for items can't wait for room beside.
  if (parts.waiting != nullptr) request.takers = 1;
  request.threads = threads;
  request.schedule = options.schedule;
  request.gather = gather_of(options, parts);
  request.chunk = options.chunk;
  // The other half is for what a scan has kept, or for variable bytes.
  const bool shares = parts.scanned_file != nullptr || shape.variable;
  request.memory_limit = shares ? options.memory_limit / 2 : options.memory_limit;
  request.items_between_checks = traits.items_between_checks;
  if (parts.inputs != nullptr) {
    const auto& inputs = *parts.inputs;
    request.input_bytes_per_item =
        std::ssize(inputs.inputs()) * inputs.elements_per_item() * std::int64_t{sizeof(double)};
    request.inputs_can_be_made = inputs.inputs().front().is_made();
    const bool owns_slabs = options.schedule == Schedule::block || options.schedule == Schedule::weighted;
    if (inputs.input_memory() == InputMemory::per_node && !owns_slabs) {
      request.input_sharers = world.reduce_all(node.size(), MPI_MIN);
    }
  }
  if (options.schedule == Schedule::weighted) request.costs = sampled_costs(world, workload, threads);
  std::optional<Plan> plan;
  collective(world, [&] { plan.emplace(std::move(request)); });
  return std::move(*plan);
}

}  // namespace paceline
