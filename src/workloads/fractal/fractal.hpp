// The fractal: rows of escape-time counts over a rectangle of the complex plane.
#pragma once

#include <string>

#include "workloads/fractal/kernel.hpp"
#include "workloads/workload.hpp"

namespace paceline::fractal {

class Fractal final : public Workload, public DrawnFiles {
 public:
  void add_options(OptionSet& options) override;
  void prepare() override;

  [[nodiscard]] const ResultShape& shape() const override { return shape_; }
  [[nodiscard]] Traits traits() const override;
  [[nodiscard]] Parts parts() override;

  Work compute(Slab rows, Operands operands, ItemOutput output) const override;
  void compute_reference(Slab rows, Operands operands, ItemOutput output) const override;
  [[nodiscard]] double estimate_cost(std::int64_t row) const override;

  [[nodiscard]] std::vector<std::filesystem::path> drawn_paths() const override { return {png_}; }
  [[nodiscard]] std::int64_t strips(std::int64_t memory_limit) const override;
  [[nodiscard]] std::vector<std::uint64_t> survey(Slab strips, const ReadItems& read,
                                                  std::int64_t memory_limit) const override;
  [[nodiscard]] std::vector<std::byte> draw(Slab strips, std::span<const std::uint64_t> seen, const ReadItems& read,
                                            std::int64_t memory_limit) const override;
  void assemble(std::span<const std::vector<std::byte>> drawn, std::int64_t memory_limit) const override;

 private:
  // As the command line gives them.
  std::int64_t rows_ = 4000;
  std::int64_t cols_ = 3000;
  std::string re_range_ = "-1.5:0";
  std::string im_range_ = "-1:0";
  std::int64_t max_iter_ = 20;
  Formula formula_ = Formula::mandelbrot;
  std::string julia_c_ = "-0.8,0.156";
  Interior interior_ = Interior::skip;
  std::string png_;
  std::string colormap_ = "viridis";

  // Made of them by prepare().
  KernelParams params_{};
  ResultShape shape_;
};

}  // namespace paceline::fractal
