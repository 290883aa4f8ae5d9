// Mistakes with a pool, one at a time, for program/mistakes_test.py: none of them compiles.
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <paceline/pool.hpp>
#include <paceline/sync.hpp>

using namespace paceline;

int twice(int x) { return 2 * x; }
int overloaded(int x) { return x; }
double overloaded(double x) { return x; }
std::size_t length(std::string_view text) { return text.size(); }
void changes(int& x) { ++x; }
int reads(const int* x) { return *x; }
const std::string& named(const std::string& text) { return text; }
struct Counted {
  int value = 0;
  int next(int x) const { return value + x; }
};
struct Chain {
  Chain* next = nullptr;
};
int follow(Chain chain) { return chain.next == nullptr ? 0 : 1; }

int main(int argc, char** argv) {
  const MpiGuard mpi(argc, argv);
  Pool pool(Comm::world());
  const std::vector<int> inputs{1, 2, 3};
  int local = 0;
  const std::string text = "t";
  (void)local;
#if MISTAKE == 1
  pool.submit<twice>(1, 2);
#elif MISTAKE == 2
  pool.submit<twice>(text);
#elif MISTAKE == 3
  pool.map<overloaded>(inputs);
#elif MISTAKE == 4
  pool.map([&local](int x) { return x + local; }, inputs);
#elif MISTAKE == 5
  pool.map<&Counted::next>(inputs);
#elif MISTAKE == 6
  pool.map([](auto x) { return x; }, inputs);
#elif MISTAKE == 7
  pool.map(twice, inputs);
#elif MISTAKE == 8
  pool.map<length>(std::vector{text});
#elif MISTAKE == 9
  pool.map<changes>(inputs);
#elif MISTAKE == 10
  pool.map([text](int x) { return x + static_cast<int>(text.size()); }, inputs);
#elif MISTAKE == 11
  pool.map([pointer = &local](int x) { return x + *pointer; }, inputs);
#elif MISTAKE == 12
  pool.map<reads>(std::vector{&local});
#elif MISTAKE == 13
  pool.map<named>(std::vector{text});
#elif MISTAKE == 14
  pool.map<follow>(std::vector{Chain()});
#elif MISTAKE == 15
  pool.map([local](int x) mutable { return local += x; }, inputs);
#elif MISTAKE == 16
  auto one = pool.submit<twice>(1);
  auto copy = one;
#endif
}
