// The file of a study: what goes in comes out, whatever moment a process is killed at, and other files are refused.
#include "study/study_file.hpp"

#include <hdf5.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

namespace paceline {
namespace {

StudyInfo some_info() {
  StudyInfo info;
  info.command = "app --size {scale} 'two words'";
  info.launcher = "mpirun";
  info.mode = ScalingMode::weak;
  info.machine = {{"machine", "node1"}, {"cpu_model", "Quick"}, {"aaa", "names are in their order"}, {"seed", "7"}};
  return info;
}

Sample sample_of(int order) {
  Sample sample;
  sample.layout = {1 + order % 4, 2, 1};
  sample.repeat = order / 4;
  sample.order = order;
  sample.warmup = order < 4;
  sample.wall_s = 1.5 + order;
  sample.phases.compute_s = 0.25 * order;
  sample.digest = std::string(static_cast<std::size_t>(order % 50), 'x');
  sample.status = static_cast<SampleStatus>(order % 4);
  sample.bound_ok = order % 3 != 0;
  sample.started = "2026-01-02T03:04:05Z";
  return sample;
}

void expect_equal(const Sample& a, const Sample& b) {
  EXPECT_EQ(a.layout, b.layout);
  EXPECT_EQ(a.repeat, b.repeat);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.warmup, b.warmup);
  EXPECT_EQ(a.wall_s, b.wall_s);
  EXPECT_EQ(a.phases.compute_s, b.phases.compute_s);
  EXPECT_TRUE(std::isnan(a.phases.init_s) && std::isnan(b.phases.init_s));
  EXPECT_EQ(a.digest, b.digest);
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.bound_ok, b.bound_ok);
  EXPECT_EQ(a.started, b.started);
}

class StudyFileTest : public testing::Test {
 protected:
  void expect_refused(const std::filesystem::path& file, const std::string& part) {
    const auto error = test::error_of([&] { read_study(file); });
    ASSERT_TRUE(error) << part;
    EXPECT_EQ(error->kind(), ErrorKind::input);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
  }
  [[nodiscard]] std::size_t entries() const {
    const std::filesystem::directory_iterator first(folder.path());
    return static_cast<std::size_t>(std::distance(first, {}));
  }

  test::TempFolder folder;
  std::filesystem::path path = folder / "study.h5";
};

TEST_F(StudyFileTest, GivesBackWhatWasPutIn) {
  auto file = StudyFile::create(path, some_info());
  EXPECT_TRUE(read_study(path).samples.empty());
  file.leave_out({8, 1, 2}, "too many");
  for (int i = 0; i < 70; ++i) file.append(sample_of(i));
  const auto study = read_study(path);
  EXPECT_EQ(study.info.command, some_info().command);
  EXPECT_EQ(study.info.launcher, "mpirun");
  EXPECT_EQ(study.info.mode, ScalingMode::weak);
  EXPECT_EQ(study.info.machine, some_info().machine);
  ASSERT_EQ(study.samples.size(), 70U);
  for (int i = 0; i < 70; ++i) expect_equal(study.samples[static_cast<std::size_t>(i)], sample_of(i));
  ASSERT_EQ(study.left_out.size(), 1U);
  EXPECT_EQ(study.left_out[0].first, (Layout{8, 1, 2}));
  EXPECT_EQ(study.left_out[0].second, "too many");
  EXPECT_EQ(entries(), 1U) << "nothing lies beside it";
}

TEST_F(StudyFileTest, IsGoneOnWith) {
  StudyFile::create(path, some_info()).append(sample_of(0));
  StudyFile::open(path).append(sample_of(1));
  const auto study = read_study(path);
  ASSERT_EQ(study.samples.size(), 2U);
  expect_equal(study.samples[1], sample_of(1));
  EXPECT_EQ(study.info.mode, ScalingMode::weak);
}

TEST_F(StudyFileTest, HoldsOneFitOfAllItsSamples) {
  auto file = StudyFile::create(path, some_info());
  file.append(sample_of(0));
  EXPECT_EQ(read_fit(path), "");
  write_fit(path, R"({"chosen": "amdahl"})");
  write_fit(path, R"({"chosen": "usl", "sign": "±"})");
  EXPECT_EQ(read_fit(path), R"({"chosen": "usl", "sign": "±"})");
  EXPECT_EQ(read_study(path).samples.size(), 1U);
  file.append(sample_of(1));
  EXPECT_EQ(read_fit(path), "");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(StudyFileTest, DoesNotGrowWithEachFit) {
  auto file = StudyFile::create(path, some_info());
  const std::string json = "{\"text\": \"" + std::string(6000, 'x') + "\"}";
  write_fit(path, json);
  write_fit(path, json);
  const auto size = std::filesystem::file_size(path);
  for (int i = 0; i < 5; ++i) write_fit(path, json + std::string(static_cast<std::size_t>(i), ' '));
  EXPECT_LE(std::filesystem::file_size(path), size + 64);
}

TEST_F(StudyFileTest, GetsBackASampleThatAFitOverwrote) {
  auto file = StudyFile::create(path, some_info());
  file.append(sample_of(0));
  std::filesystem::copy_file(path, folder / "old.h5");
  file.append(sample_of(1));
  std::filesystem::rename(folder / "old.h5", path);  // as write_fit() does that began one sample earlier
  file.append(sample_of(2));
  EXPECT_EQ(read_study(path).samples.size(), 3U);
}

TEST_F(StudyFileTest, IsNotSharedByTwoStudies) {
  auto one = StudyFile::create(path, some_info());
  auto other = StudyFile::open(path);
  one.append(sample_of(0));
  one.append(sample_of(1));
  const auto error = test::error_of([&] { other.append(sample_of(5)); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::output);
  EXPECT_TRUE(test::says(*error, "another study")) << error->what();
  EXPECT_EQ(read_study(path).samples.size(), 2U);
}

TEST_F(StudyFileTest, OpensAtWhateverMomentItsWriterIsKilled) {
  StudyFile::create(path, some_info());
  std::mt19937 random(1);
  std::size_t before = 0;
  for (int round = 0; round < 25 || before < 50; ++round) {
    std::array<int, 2> to_parent{};
    ASSERT_EQ(pipe(to_parent.data()), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto file = StudyFile::open(path);
      for (auto i = static_cast<int>(file.study().samples.size());; ++i) {
        file.append(sample_of(i));
        if (write(to_parent[1], "1", 1) != 1) break;
      }
      _exit(1);
    }
    close(to_parent[1]);
    // Counted in writes, as a slow machine may take long to start the writer.
    const auto least = random() % 5;
    char byte = 0;
    for (unsigned i = 0; i < least; ++i) ASSERT_EQ(read(to_parent[0], &byte, 1), 1) << "it stopped by itself";
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    close(to_parent[0]);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it stopped by itself";
    const auto study = read_study(path);
    ASSERT_GE(study.samples.size(), before + least) << "samples are lost";
    before = study.samples.size();
    for (std::size_t i = 0; i < before; ++i) expect_equal(study.samples[i], sample_of(static_cast<int>(i)));
  }
  EXPECT_GE(before, 50U) << "the writers came to nothing";
}

TEST_F(StudyFileTest, IsRefusedWhenItIsNone) {
  expect_refused(path, "there is no such file");
  expect_refused(folder.path(), "it is a folder");
  std::ofstream(folder / "text.h5") << "no HDF5 at all";
  expect_refused(folder / "text.h5", "damaged or not a study");

  auto file = StudyFile::create(path, some_info());
  for (int i = 0; i < 20; ++i) file.append(sample_of(i));
  for (const auto part : {0.99, 0.5, 0.1}) {
    const auto bytes = static_cast<double>(std::filesystem::file_size(path));
    const auto cut = folder / "cut.h5";
    std::filesystem::copy_file(path, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, static_cast<std::uintmax_t>(bytes * part));
    expect_refused(cut, "damaged or not a study");
    EXPECT_TRUE(test::error_of([&] { write_fit(cut, "{}"); }));
    EXPECT_TRUE(test::error_of([&] { StudyFile::open(cut); }));
  }
  // A file of HDF5 with a group of our name and other content.
  const auto foreign = folder / "foreign.h5";
  const hid_t handle = H5Fcreate(foreign.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(handle, "/run", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Fclose(handle);
  expect_refused(foreign, "result of one run");
}

TEST_F(StudyFileTest, SaysWhereItCannotWrite) {
  const auto error = test::error_of([&] { StudyFile::create(folder / "no/where.h5", some_info()); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::output);
}

}  // namespace
}  // namespace paceline
