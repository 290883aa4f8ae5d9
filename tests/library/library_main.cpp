// The main of the library's tests in which ranks talk.
#include "rank_tests.hpp"

int main(int argc, char** argv) {
  const paceline::MpiGuard mpi(argc, argv, paceline::ThreadLevel::multiple);
  return paceline::test::run_rank_tests(argc, argv);
}
