// Web requests and files: what is waited for, many at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "workloads/fetch/download.hpp"
#include "workloads/fetch/downloader.hpp"
#include "workloads/fetch/url_list.hpp"
#include "workloads/workload.hpp"

namespace paceline::fetch {

/// An item is a URL: `/fetch/url`, `status`, `error`, by the engine `seconds`, `rank`, `thread`, and its body in
/// `/fetch/body`, from `body_begin` on, `bytes` long. Each of the engine's workers has one connection; the ranks share
/// the connections to a host.
class Fetch final : public Workload, public RootInput, public Waiting, public Retries {
 public:
  void add_options(OptionSet& options) override;
  void prepare() override;
  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;
  [[nodiscard]] Parts parts() override;

  Work compute(Slab items, Operands operands, ItemOutput output) const override;
  /// Fetches it once more.
  void compute_reference(Slab items, Operands operands, ItemOutput output) const override;

  [[nodiscard]] std::string read_on_root(std::int64_t memory_limit) const override;
  void set_root_input(const std::string& text) override;

  [[nodiscard]] int workers(const RankInfo& rank) const override;
  void start(const StartContext& context) override;
  void begin(std::int64_t item) override;
  std::optional<std::int64_t> next_done() override;
  void end() noexcept override { downloader_.reset(); }

  [[nodiscard]] bool is_settled(std::span<const std::byte> bytes) const override;
  [[nodiscard]] std::vector<Failure> failures() const override;

 private:
  void set_urls(std::vector<std::string> urls);
  [[nodiscard]] Files files() const { return allows_file_ ? Files::allowed : Files::refused; }
  /// Returns the size of the body.
  std::size_t put(std::int64_t item, Answer& answer, ItemOutput output) const;
  void note(std::int64_t item, int status, std::string_view error) const;

  // As the command line gives them.
  std::vector<std::string> given_;
  std::string from_;
  int parallel_ = 8;
  bool allows_file_ = false;
  Settings settings_;

  std::vector<std::string> urls_;    ///< with their credentials, which are sent and kept nowhere
  std::vector<std::string> masked_;  ///< without these, for all that is kept or said
  std::size_t longest_url_ = 1;
  ResultShape shape_;
  MemoryBudget* memory_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable has_come_;
  std::deque<std::int64_t> come_;                                 ///< items, in the order in which they came
  mutable std::map<std::int64_t, Downloader::Outcome> outcomes_;  ///< of these, and of those that compute() is to give
  mutable std::vector<Failure> failures_;
  std::unique_ptr<Downloader> downloader_;  ///< its thread uses all of this
};

}  // namespace paceline::fetch
