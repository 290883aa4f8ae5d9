#include "cli/profile_options.hpp"

namespace paceline {

CommandText profile_command(ProfileOptions& options) {
  CommandText text{"profile", "run any MPI or OpenMP program once and say where its cores go", groups::measure};
  text.operand = "LAUNCH LINE";
  text.more =
      "LAUNCH LINE is what you type to start the program: paceline profile -- mpirun -np 4 ./solver. The program must "
      "be\n"
      "dynamically linked; it is loaded with a library that knows Open MPI, MPICH, and GNU's and LLVM's OpenMP.";
  auto& set = text.options;
  set.add("--json", options.json, "one JSON object on standard output; the program prints to standard error");
  set.add("-o,--output", options.output, "the same as a file").shown("FILE.json");
  set.add("--force", options.force, "overwrite what exists");
  return text;
}

}  // namespace paceline
