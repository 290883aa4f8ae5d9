// Web requests and files: what is waited for, many at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "workloads/fetch/download.hpp"
#include "workloads/fetch/downloader.hpp"
#include "workloads/fetch/url_list.hpp"
#include "workloads/workload.hpp"

namespace paceline::fetch {

/// An item is a URL: `/fetch/url`, `status`, `bytes`, `body`, `error`, and `seconds`, `rank`, `thread` by the engine.
/// Each of the engine's workers has one connection, and waits in it; the ranks share the connections to a host.
class Fetch final : public Workload {
 public:
  void add_options(CLI::App& app) override;
  void prepare() override;

  [[nodiscard]] bool has_brief() const override { return !from_.empty(); }
  [[nodiscard]] std::string read_brief(std::int64_t memory_limit) const override;
  void set_brief(const std::string& text) override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] std::string kernel_name() const override;
  [[nodiscard]] RateUnit rate_unit() const override { return {"MB/s", 1e6}; }
  [[nodiscard]] RateUnit item_rate_unit() const override { return {"requests/s", 1.0}; }
  /// None waits for another in a piece.
  [[nodiscard]] double worst_item_work() const override { return 1e12; }
  [[nodiscard]] bool is_ordered() const override { return false; }
  [[nodiscard]] bool is_waiting() const override { return true; }
  [[nodiscard]] int concurrency(const Place& place) const override;

  void start(const Post& post) override;
  void end() noexcept override { downloader_.reset(); }
  Work compute_parcel(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const override;
  /// Fetches it once more.
  void compute_parcel_reference(std::int64_t item, Operands operands, std::vector<std::byte>& parcel) const override;
  [[nodiscard]] double estimate_cost(std::int64_t /*url*/) const override { return 1; }

  [[nodiscard]] bool has_failures() const override { return true; }
  [[nodiscard]] bool is_settled(std::span<const std::byte> parcel) const override;
  [[nodiscard]] std::vector<Failure> failures() const override;

 private:
  enum class Notes { none, taken };
  void set_urls(std::vector<std::string> urls);
  [[nodiscard]] Files files() const { return allows_file_ ? Files::allowed : Files::refused; }
  /// Returns the size of the body.
  std::size_t fetch(std::int64_t item, std::vector<std::byte>& parcel, Notes notes) const;
  void note(std::int64_t item, int status, std::string_view error) const;

  // As the command line gives them.
  std::vector<std::string> given_;
  std::string from_;
  int parallel_ = 8;
  bool allows_file_ = false;
  Settings settings_;

  std::vector<std::string> urls_;  ///< with their credentials, which are sent and kept nowhere
  ResultShape shape_;
  std::unique_ptr<Downloader> downloader_;
  mutable std::mutex mutex_;
  mutable std::vector<Failure> failures_;
};

}  // namespace paceline::fetch
