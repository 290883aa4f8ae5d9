// How every benchmark runs and what it prints: several repetitions of all of them in turn, and of each time and each
// counter the median and its range.
#pragma once

namespace paceline {

/// Runs what is registered. Google Benchmark's flags win over the defaults, and with --benchmark_format its own
/// reporters print. Returns what main() should.
int run_benchmarks(int argc, char** argv);

/// The same where ranks measure together. Collective: every rank calls, and rank 0 prints. Benchmarks take turns in no
/// random order then, which would be another one on each rank, and must have a fixed number of iterations.
int run_benchmarks_together(int argc, char** argv, int rank);

}  // namespace paceline
