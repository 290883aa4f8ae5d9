// Ranges of a file, looked at by ranks of one node and by ranks that each play a node of their own.
#include "engine/scan.hpp"

#include <algorithm>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "support.hpp"

namespace paceline::scan_test {
namespace {

/// Adds up the bytes of each line, by the range in which the line feed before it lies. The facts of a range: where its
/// first line begins, how many there are, and their sum.
class Lines final : public ScannedFile {
 public:
  Lines(std::filesystem::path path, std::int64_t range_bytes) : path_(std::move(path)), range_bytes_(range_bytes) {}

  std::filesystem::path scanned_path() const override { return path_; }
  void open_source(Source source, std::int64_t /*keep_bytes*/) override { bytes_ = source.bytes; }
  std::int64_t ranges() const override { return std::max(std::int64_t{1}, (bytes_ - 1) / range_bytes_ + 1); }
  std::int64_t range_bytes() const override { return range_bytes_; }

  bool scan(std::int64_t range, std::span<const char> bytes, std::vector<std::int64_t>& facts) override {
    const auto begin = range * range_bytes_;
    const auto size = std::min(range_bytes_, bytes_ - begin);
    std::int64_t first = -1, lines = 0, sum = 0;
    auto at = std::int64_t{0};
    if (range > 0) at = std::find(bytes.begin(), bytes.begin() + size, '\n') - bytes.begin() + 1;
    while (at <= size && begin + at < bytes_) {
      const auto end = std::find(bytes.begin() + at, bytes.end(), '\n');
      if (end == bytes.end()) {
        facts = {begin + at};
        return false;
      }
      if (first < 0) first = begin + at;
      ++lines;
      for (const auto stop = end - bytes.begin(); at < stop; ++at) sum += bytes[static_cast<std::size_t>(at)];
      ++at;
    }
    facts = {first, lines, sum};
    return true;
  }

  std::vector<std::int64_t> reduce_scan(std::span<const std::int64_t> facts) override {
    facts_.assign(facts.begin(), facts.end());
    return {};
  }

  std::vector<std::int64_t> facts_;

 private:
  std::filesystem::path path_;
  std::int64_t range_bytes_;
  std::int64_t bytes_ = 0;
};

class ScanTest : public testing::Test {
 protected:
  void write(const std::string& text) const {
    if (world.rank() == 0) std::ofstream(path) << text;
    world.barrier();
  }
  std::vector<std::int64_t> scan(const Comm& node, std::int64_t memory_limit = 1 << 20) const {
    Lines lines(path, 100);
    scan_file(world, node, &lines, 2, memory_limit, {});
    return lines.facts_;
  }

  Comm world = Comm::world().duplicate();
  Comm alone = *world.split(world.rank());
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "lines";
};

TEST_F(ScanTest, FindsTheSameWithinANodeAndBetweenNodes) {
  std::string text;
  std::int64_t sum = 0;
  for (int k = 0; k < 5000; ++k)
    text += std::string(static_cast<std::size_t>(k % 61), static_cast<char>('a' + k % 26)) + '\n';
  for (const char byte : text) sum += byte == '\n' ? 0 : byte;
  write(text);
  const auto within = scan(world);
  std::int64_t lines = 0, found = 0;
  for (std::size_t k = 0; k < within.size(); k += 3) {
    lines += within[k + 1];
    found += within[k + 2];
  }
  EXPECT_EQ(lines, 5000);
  EXPECT_EQ(found, sum);
  EXPECT_EQ(scan(alone), within);
  // In many pieces, since few bytes may be on their way.
  EXPECT_EQ(scan(alone, 4096), within);
}

TEST_F(ScanTest, ReadsFurtherForLinesThatAreLong) {
  write("short\n" + std::string(200'000, 'x') + "\nend\n");
  const auto within = scan(world);
  EXPECT_EQ(within[1], 2);
  EXPECT_EQ(within[2], 'x' * 200'000 + 's' + 'h' + 'o' + 'r' + 't');
  EXPECT_EQ(scan(alone), within);
  for (const auto* node : {&world, &alone}) EXPECT_THROW(scan(*node, 4096), AgreedError) << "beyond what it may hold";
}

TEST_F(ScanTest, TellsAllRanksOfAFileThatIsNotThere) {
  for (const auto* node : {&world, &alone}) EXPECT_THROW(scan(*node), AgreedError);
}

}  // namespace
}  // namespace paceline::scan_test
