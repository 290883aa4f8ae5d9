#include "engine/scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>

#include "storage/spool.hpp"

namespace paceline {
namespace {

// Beside each piece that is read together, so that the record that ends behind it is whole.
constexpr std::int64_t beyond_bytes = std::int64_t{64} << 10;
// The same beside a single range, where it counts.
constexpr std::int64_t beside_bytes = std::int64_t{8} << 10;
// Read at once by a thread's worth; well below what MPI counts with an int, and not much more than a cache holds.
constexpr std::int64_t piece_bytes_a_thread = std::int64_t{1} << 20;
constexpr std::int64_t largest_piece = std::int64_t{256} << 20;

class Scanner {
 public:
  Scanner(const Comm& world, const Comm& node, ScannedFile& file, int threads, std::int64_t memory_limit,
          const std::filesystem::path& folder)
      : world_(world),
        is_one_node_(node.size() == world.size()),
        scanned_(file),
        threads_(threads),
        memory_limit_(memory_limit),
        folder_(folder) {}

  void run() {
    open();
    const auto ranges = scanned_.ranges();
    const auto mine = even_part({0, ranges}, world_.rank(), world_.size());
    facts_.resize(static_cast<std::size_t>(ranges));
    if (is_one_node_) {
      look_alone(mine);
    } else {
      read_together(mine, even_part({0, ranges}, 0, world_.size()).size());
    }
    for (auto wanted = reduce(); !wanted.empty(); wanted = reduce()) look_again(wanted);
  }

 private:
  void open() {
    std::int64_t size = -1;
    std::string copy, origin;
    collective(world_, [&] {
      if (world_.rank() != 0) return;
      spool_ = Spool::of(scanned_.scanned_path(), scanned_.encoding(), folder_);
      if (spool_) {
        copy = spool_->path();
        origin = spool_->origin();
      }
      size = ByteFile::size_of(spool_ ? spool_->path() : scanned_.scanned_path());
    });
    size_ = world_.reduce_all(size, MPI_MAX);
    copy = world_.gather_all_text(copy).front();
    origin = world_.gather_all_text(origin).front();
    path_ = copy.empty() ? scanned_.scanned_path() : std::filesystem::path(copy);
    collective(world_, [&] {
      bytes_ = std::make_shared<ByteFile>(path_);
      scanned_.open_source(
          {size_, [file = bytes_](std::int64_t at, std::span<char> bytes) { file->read(at, bytes); }, origin},
          memory_limit_ / 2);
    });
  }

  [[nodiscard]] std::int64_t begin_of(std::int64_t range) const {
    return std::min(range * scanned_.range_bytes(), size_);
  }

  /// The ranges of every rank in pieces, the next one being read while threads look at this one.
  void read_together(Slab mine, std::int64_t most) {
    std::optional<SharedByteFile> shared;
    collective(world_, [&] { shared.emplace(path_, world_); });
    const auto piece =
        std::clamp(std::min(piece_bytes_a_thread * threads_, memory_limit_ / 8), std::int64_t{1}, largest_piece);
    const auto step = std::max(std::int64_t{1}, piece / scanned_.range_bytes());
    std::array<std::vector<char>, 2> buffers;
    const auto ranges_of = [&](std::int64_t done) {
      return intersect({mine.begin + done, mine.begin + done + step}, mine);
    };
    const auto read = [&](std::int64_t done, std::vector<char>& buffer) {
      const auto ranges = ranges_of(done);
      const auto begin = begin_of(ranges.begin);
      const auto end = ranges.empty() ? begin : std::min(begin_of(ranges.end) + beyond_bytes, size_);
      buffer.resize(static_cast<std::size_t>(end - begin));
      try {
        shared->read(begin, buffer);
      } catch (const Error& error) {
        keep(error);
      }
    };
    if (most > 0) read(0, buffers[0]);
    std::size_t turn = 0;
    for (std::int64_t done = 0; done < most; done += step, turn = 1 - turn) {
      std::thread reader;
      if (done + step < most) reader = std::thread([&, done, turn] { read(done + step, buffers[1 - turn]); });
      look_at(ranges_of(done), buffers[turn]);
      if (reader.joinable()) reader.join();
    }
    agree(world_, error_);
  }

  void look_at(Slab ranges, std::span<const char> bytes) {
    const auto begin = begin_of(ranges.begin);
    by_threads(ranges, [&](std::int64_t range, std::vector<char>& more) {
      const auto at = static_cast<std::size_t>(begin_of(range) - begin);
      auto& facts = facts_[static_cast<std::size_t>(range)];
      if (at > bytes.size() || !scanned_.scan(range, bytes.subspan(at), facts)) look_further(range, more);
    });
  }

  /// Ranks of one node read through one page cache, and need no MPI-IO: each thread reads what it then looks at, while
  /// it is in its cache.
  void look_alone(Slab ranges) {
    by_threads(ranges, [&](std::int64_t range, std::vector<char>& bytes) {
      const auto begin = begin_of(range);
      bytes.resize(static_cast<std::size_t>(std::min(scanned_.range_bytes() + beside_bytes, size_ - begin)));
      bytes_->read(begin, bytes);
      if (!scanned_.scan(range, bytes, facts_[static_cast<std::size_t>(range)])) look_further(range, bytes);
    });
    agree(world_, error_);
  }

  /// Calls `look(number, buffer)` for each, with a buffer of the thread's own.
  template <class Look>
  void by_threads(Slab numbers, Look&& look) {
    if (error_ || numbers.empty()) return;
#pragma omp parallel num_threads(threads_)
    {
      std::vector<char> buffer;
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t number = numbers.begin; number < numbers.end; ++number) {
        try {
          look(number, buffer);
        } catch (const Error& error) {
          keep(error);
        }
      }
    }
  }

  /// More bytes than lie beside the range are needed: twice as many each time.
  void look_further(std::int64_t range, std::vector<char>& bytes) {
    const auto begin = begin_of(range);
    auto& facts = facts_[static_cast<std::size_t>(range)];
    for (auto size = scanned_.range_bytes() + beyond_bytes;; size *= 2) {
      if (size > std::max(memory_limit_, 4 * beyond_bytes)) {
        throw Error(
            ErrorKind::input, fmt::format("can't read {}", scanned_.scanned_path().string()),
            fmt::format("the record at byte {} is longer than --memory-limit", facts.empty() ? begin : facts[0]),
            "raise the limit");
      }
      bytes.resize(static_cast<std::size_t>(std::min(size, size_ - begin)));
      bytes_->read(begin, bytes);
      if (scanned_.scan(range, bytes, facts)) return;
    }
  }

  /// Facts of all ranges to all ranks.
  std::vector<std::int64_t> reduce() {
    std::vector<std::int64_t> numbers, words;
    for (std::size_t range = 0; range < facts_.size(); ++range) {
      if (facts_[range].empty()) continue;
      numbers.push_back(static_cast<std::int64_t>(range));
      words.insert(words.end(), facts_[range].begin(), facts_[range].end());
      facts_[range].clear();
    }
    const auto all_numbers = world_.gather_all(numbers);
    const auto all_words = world_.gather_all(words);
    for (std::size_t rank = 0; rank < all_numbers.size(); ++rank) {
      if (all_numbers[rank].empty()) continue;
      const auto each = all_words[rank].size() / all_numbers[rank].size();
      all_.resize(facts_.size() * each);
      for (std::size_t k = 0; k < all_numbers[rank].size(); ++k) {
        std::copy_n(all_words[rank].begin() + static_cast<std::ptrdiff_t>(k * each), each,
                    all_.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(all_numbers[rank][k]) * each));
      }
    }
    std::vector<std::int64_t> again;
    collective(world_, [&] { again = scanned_.reduce_scan(all_); });
    return again;
  }

  /// Few ranges, by whoever comes by their number.
  void look_again(const std::vector<std::int64_t>& ranges) {
    by_threads(
        even_part({0, std::ssize(ranges)}, world_.rank(), world_.size()),
        [&](std::int64_t k, std::vector<char>& bytes) { look_further(ranges[static_cast<std::size_t>(k)], bytes); });
    agree(world_, error_);
  }

  void keep(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }

  const Comm& world_;
  bool is_one_node_;
  ScannedFile& scanned_;
  int threads_;
  std::int64_t memory_limit_;
  std::filesystem::path folder_;
  std::unique_ptr<Spool> spool_;  ///< on rank 0, until all have looked at the file
  std::filesystem::path path_;    ///< of the file that is read
  std::int64_t size_ = 0;
  std::shared_ptr<ByteFile> bytes_;
  std::vector<std::vector<std::int64_t>> facts_;  ///< of ranges looked at here since the last conclusion
  std::vector<std::int64_t> all_;
  std::mutex mutex_;
  std::optional<Error> error_;
};

}  // namespace

void scan_file(const Comm& world, const Comm& node, ScannedFile* file, int threads, std::int64_t memory_limit,
               const std::filesystem::path& folder) {
  if (file != nullptr) Scanner(world, node, *file, threads, memory_limit, folder).run();
}

}  // namespace paceline
