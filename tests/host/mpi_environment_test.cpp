// What Open MPI is told before it starts, and that a user's word counts for more.
#include "host/mpi_environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace paceline {
namespace {

/// Variables as they were before, when it ends.
class Variables {
 public:
  void set(const std::string& name, const std::optional<std::string>& value) {
    const char* const before = std::getenv(name.c_str());
    before_.emplace(name, before == nullptr ? std::nullopt : std::optional<std::string>(before));
    put(name, value);
  }
  Variables() = default;
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;
  ~Variables() {
    for (const auto& [name, value] : before_) put(name, value);
  }

 private:
  static void put(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }
  std::map<std::string, std::optional<std::string>> before_;
};

constexpr const char* chosen[] = {"OMPI_MCA_pml",
                                  "OMPI_MCA_osc",
                                  "HWLOC_COMPONENTS",
                                  "HWLOC_PLUGINS_BLACKLIST",
                                  "OMPI_MCA_ess_singleton_isolated",
                                  "OMPI_MCA_orte_create_session_dirs",
                                  "OMPI_MCA_fcoll",
                                  "OMPI_MCA_sharedfp"};

std::string value_of(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "none" : value;
}

TEST(MpiEnvironment, LooksForNothingThatOneNodeDoesNotUse) {
  Variables variables;
  for (const auto* name : chosen) variables.set(name, std::nullopt);
  variables.set("OMPI_COMM_WORLD_RANK", "1");
  variables.set("OMPI_COMM_WORLD_SIZE", "2");
  variables.set("OMPI_COMM_WORLD_LOCAL_SIZE", "2");
  choose_mpi_components();
  EXPECT_EQ(value_of("OMPI_MCA_pml"), "ob1");
  EXPECT_NE(value_of("OMPI_MCA_osc").find("ucx"), std::string::npos);
  EXPECT_NE(value_of("HWLOC_COMPONENTS").find("-pci"), std::string::npos);
  EXPECT_EQ(value_of("OMPI_MCA_ess_singleton_isolated"), "none") << "mpirun has started it";
}

TEST(MpiEnvironment, LeavesNetworksAndDevicesToSeveralNodes) {
  Variables variables;
  for (const auto* name : chosen) variables.set(name, std::nullopt);
  variables.set("OMPI_COMM_WORLD_RANK", "1");
  variables.set("OMPI_COMM_WORLD_SIZE", "4");
  variables.set("OMPI_COMM_WORLD_LOCAL_SIZE", "2");
  choose_mpi_components();
  for (const auto* name : {"OMPI_MCA_pml", "OMPI_MCA_osc", "HWLOC_COMPONENTS", "HWLOC_PLUGINS_BLACKLIST"}) {
    EXPECT_EQ(value_of(name), "none") << name;
  }
}

TEST(MpiEnvironment, LeavesWhatTheUserHasChosen) {
  Variables variables;
  for (const auto* name : chosen) variables.set(name, "mine");
  choose_mpi_components();
  for (const auto* name : chosen) EXPECT_EQ(value_of(name), "mine") << name;
}

}  // namespace
}  // namespace paceline
