// `paceline fit` and `paceline compare`, from files to words. They start no MPI.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "study/fit/solve.hpp"
#include "study/sample.hpp"

namespace paceline {

struct FitOptions {
  std::filesystem::path study;
  std::string model = "auto";  ///< or a law's name
  std::optional<Layout> at;    ///< a layout to predict
  Objective objective = Objective::time;
  double threshold = 0.75;  ///< efficiency that layouts should have
  bool json = false;
};

struct CompareOptions {
  std::filesystem::path first;
  std::filesystem::path second;
  std::optional<double> fail_above;  ///< share of the time by which no layout may be slower
  bool json = false;
};

/// Prints the fit, and writes the JSON object under /fit of the study's file. An unresolved law is a result: done.
/// Throws Error (check) when nothing counts.
/// Throws Error: input for a file that is no study, usage for a law that can't be fitted to it, output when the fit
/// can't be written.
ExitCode fit(const FitOptions& options);

/// Prints where two studies differ by more than their noise. Done whether they differ or not, unless `fail_above` is
/// given: then Error (check) when a layout is slower by more than that. Error (input) for bad files.
ExitCode compare(const CompareOptions& options);

}  // namespace paceline
