// Trees as kernels and containers show them.
#include "host/quota.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace paceline {
namespace {

namespace fs = std::filesystem;

class Quota : public testing::Test {
 protected:
  Quota() {
    std::string name = (fs::temp_directory_path() / "paceline-quota-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~Quota() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << '\n';
  }
  std::optional<double> quota() { return cpu_quota(root_); }

  fs::path root_;
};

constexpr const char* version_2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
constexpr const char* version_1 =
    "34 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:11 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 32 0:30 / /sys/fs/cgroup/cpuset rw shared:12 - cgroup cgroup rw,cpuset";

TEST_F(Quota, IsNoneWithoutGroupsOrLimits) {
  EXPECT_FALSE(quota());
  write("proc/self/mountinfo", version_2);
  EXPECT_FALSE(quota());
  write("proc/self/cgroup", "0::/");
  EXPECT_FALSE(quota());
  write("sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_FALSE(quota());
}

TEST_F(Quota, IsACoreAndAHalfInVersion2) {
  write("proc/self/mountinfo", version_2);
  write("proc/self/cgroup", "0::/");
  write("sys/fs/cgroup/cpu.max", "150000 100000");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(Quota, IsTheLeastOfGroupsWithinGroups) {
  write("proc/self/mountinfo", version_2);
  write("proc/self/cgroup", "0::/machine.slice/job");
  write("sys/fs/cgroup/machine.slice/cpu.max", "400000 100000");
  write("sys/fs/cgroup/machine.slice/job/cpu.max", "max 100000");
  EXPECT_EQ(quota(), 4.0);
  write("sys/fs/cgroup/machine.slice/job/cpu.max", "25000 50000");
  EXPECT_EQ(quota(), 0.5);
  write("sys/fs/cgroup/machine.slice/other/cpu.max", "1000 100000");
  EXPECT_EQ(quota(), 0.5) << "another group's";
}

TEST_F(Quota, IsReadInVersion1) {
  write("proc/self/mountinfo", version_1);
  write("proc/self/cgroup", "3:cpuset:/other\n2:cpu,cpuacct:/jobs/7\n1:name=systemd:/");
  write("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_quota_us", "-1");
  write("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_period_us", "100000");
  EXPECT_FALSE(quota());
  write("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_quota_us", "600000");
  EXPECT_EQ(quota(), 6.0);
}

TEST_F(Quota, OfAContainerIsAtItsMount) {
  // Docker without a namespace of control groups: the group has the host's name, the mount shows that group alone.
  write("proc/self/mountinfo", "34 32 0:29 /docker/ab12 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu");
  write("proc/self/cgroup", "2:cpu:/docker/ab12/inner");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), 1.5);
  // The group lies outside of what is seen.
  write("proc/self/cgroup", "2:cpu:/");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(Quota, IsNoneInDamagedFiles) {
  write("proc/self/mountinfo", "nonsense\n30 23 0:26 / - cgroup2\n" + std::string(version_2));
  write("proc/self/cgroup", "nonsense\n0:\n0::/");
  for (const char* text : {"", "max", "100000", "0 100000", "1 0", "x y", "-5 100000"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_FALSE(quota()) << text;
  }
}

}  // namespace
}  // namespace paceline
