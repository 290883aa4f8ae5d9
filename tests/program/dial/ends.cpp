// A program that ends in the way it is told, for tests of the probe: ends HOW.
#include <mpi.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  const auto is = [&](const char* name) { return argc > 1 && std::strcmp(argv[1], name) == 0; };
  if (is("exec-before")) execl(argv[0], argv[0], "finalize", nullptr);
  MPI_Init(&argc, &argv);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  // Long enough for shares to mean something.
  usleep(200000);
  int sum = 0;
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (is("fork")) {
    // One child ends as programs do, one at once; neither is a rank.
    for (int child = 0; child < 2; ++child) {
      const pid_t pid = fork();
      if (pid == 0 && child == 0) std::exit(0);
      if (pid == 0) _exit(0);
      waitpid(pid, nullptr, 0);
    }
    if (std::system("exit 0") != 0) return 1;
  }
  if (is("abort") && rank == 0) MPI_Abort(MPI_COMM_WORLD, 3);
  if (is("abort")) pause();
  if (is("exit")) std::exit(0);
  if (is("_exit")) _exit(0);
  if (is("kill") && rank == 1) raise(SIGKILL);
  if (is("exec-after")) execlp("true", "true", nullptr);
  MPI_Finalize();
  return 0;
}
