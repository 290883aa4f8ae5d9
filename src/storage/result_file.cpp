#include "storage/result_file.hpp"

#include <fmt/format.h>
#include <malloc.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "host/page_buffer.hpp"
#include "storage/byte_file.hpp"
#include "storage/columns.hpp"
#include "storage/elements.hpp"
#include "storage/file_image.hpp"
#include "storage/flat_selection.hpp"
#include "storage/h5.hpp"
#include "storage/item_marks.hpp"
#include "storage/result_errors.hpp"
#include "storage/rows_digest.hpp"
#include "storage/structure.hpp"
#include "storage/transfer.hpp"

namespace paceline {
namespace {

h5::Handle access_list(const std::optional<Comm>& comm) {
  auto list = h5::properties(H5P_FILE_ACCESS);
  // Locks fail on many network file systems, and nobody reads a file before it has its final name.
  h5::check(H5Pset_file_locking(list.get(), 0, 1), "H5Pset_file_locking");
  // Writes fail where they are asked for, not later when a dataset is closed.
  h5::check(H5Pset_sieve_buf_size(list.get(), 0), "H5Pset_sieve_buf_size");
  if (comm) {
    h5::check(H5Pset_fapl_mpio(list.get(), comm->handle(), MPI_INFO_NULL), "H5Pset_fapl_mpio");
    h5::check(H5Pset_all_coll_metadata_ops(list.get(), true), "H5Pset_all_coll_metadata_ops");
    h5::check(H5Pset_coll_metadata_write(list.get(), true), "H5Pset_coll_metadata_write");
  }
  return list;
}

// An item that is finished has a digest that is not 0, even if its rows add up to nothing. That another item has this
// one is as likely as any two digests being the same.
constexpr std::uint64_t no_rows = 0x6e6f20726f777321;

}  // namespace

std::uint64_t digest_of(const ResultShape& shape, std::int64_t item, std::span<const std::byte> bytes,
                        const Pieces& variable) {
  if (shape.digest_of == DigestOf::rows) {
    const auto sum = rows_digest(shape, item, bytes);
    return sum == 0 ? no_rows : sum;
  }
  if (variable.empty()) return item_digest(item, bytes);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset_withSeed(state.get(), static_cast<XXH64_hash_t>(item));
  XXH3_64bits_update(state.get(), bytes.data(), bytes.size());
  for (const auto& piece : variable) XXH3_64bits_update(state.get(), piece.data(), piece.size());
  const auto hash = XXH3_64bits_digest(state.get());
  return hash == 0 ? 1 : hash;
}

std::uint64_t part_of_result(std::uint64_t item_digest) { return item_digest == no_rows ? 0 : item_digest; }

struct ResultFile::Impl {
  std::filesystem::path path;
  std::optional<Comm> comm;
  ResultShape shape;
  unsigned access = H5F_ACC_RDONLY;
  std::vector<hsize_t> dims, stored_dims;
  hsize_t row_bytes = 1;
  h5::Handle native;
  std::int64_t variable_room = 0;
  h5::Handle file, items, variable;
  std::optional<Columns> columns;
  ItemMarks marks;
  std::optional<ByteTarget> whole;  ///< if it is written
  std::int64_t not_begun = 0;       ///< bytes of this rank since it last started their way to the disk
  std::string io_mode = "serial";

  Impl(const std::filesystem::path& where, const std::optional<Comm>& ranks, const ResultShape& of, unsigned how)
      : path(where),
        comm(ranks),
        shape(of),
        access(how),
        dims(shape.dims.begin(), shape.dims.end()),
        stored_dims(shape.stored_dims().begin(), shape.stored_dims().end()),
        native(h5::native_type(shape.type, 1)) {
    h5::be_quiet();
    row_bytes = unsigned_of(std::max(std::int64_t{1}, shape.bytes_per_row()));
  }

  [[nodiscard]] bool is_parallel() const { return comm.has_value(); }

  void open() {
    const auto list = access_list(comm);
    file = {H5Fopen(path.c_str(), access, list.get()), H5Fclose, "H5Fopen"};
    const auto open = [&](const std::string& name) { return h5::open_dataset(file.get(), name); };
    if (shape.columns.empty()) {
      items = open(shape.path);
    } else {
      columns.emplace(file.get(), shape, is_parallel());
    }
    marks = {file.get(), shape, is_parallel()};
    if (shape.variable) {
      variable = open(shape.variable->path);
      const h5::Handle space(H5Dget_space(variable.get()), H5Sclose, "H5Dget_space");
      variable_room = H5Sget_simple_extent_npoints(space.get());
    }
    if (access == H5F_ACC_RDWR) whole.emplace(path);
  }

  ~Impl() {
    if (is_parallel() && access == H5F_ACC_RDWR) file.leave();
  }

  /// Everything is closed even if a part fails: it is collective, and others wait.
  void close() {
    if (file.get() < 0) return;
    std::optional<Error> first;
    const auto attempt = [&](const std::function<void()>& action) { keep_first(first, action); };
    attempt([&] { h5::check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "H5Fflush"); });
    if (columns) attempt([&] { columns->close(); });
    attempt([&] { marks.close(); });
    for (auto* dataset : {&items, &variable}) {
      if (dataset->get() >= 0) attempt([&] { dataset->close("closing an object"); });
    }
    // Closing writes the superblock, which needs no writing: the structure is put around the data by seal() and
    // restore(). Where that write fails on one rank, HDF5 1.10 waits for ever on all. So several ranks leave the file
    // open: what they wrote is on the disk by now.
    if (is_parallel() && access == H5F_ACC_RDWR) {
      file.leave();
    } else {
      attempt([&] { file.close("H5Fclose"); });
    }
    if (first) throw Error(*first);
  }

  /// Rows of the plain dataset.
  [[nodiscard]] h5::Handle select_stored(std::span<const Slab> rows) const {
    auto space = h5::simple_space(stored_dims);
    if (shape.extents.empty()) {
      h5::select(space, rows, dims);
    } else {
      h5::select_flat(space.get(), stored_dims, rows);
    }
    return space;
  }

  /// The rows of the plain dataset.
  void write_rows(std::span<const Run> runs, std::span<const std::byte> bytes) {
    std::vector<Slab> there, here;
    std::int64_t extent = 1;
    for (const auto& run : runs) {
      there.push_back(shape.rows_of(run.items));
      const auto first = run.byte_at / static_cast<std::int64_t>(row_bytes);
      here.push_back({first, first + there.back().size()});
      extent = std::max(extent, here.back().end);
    }
    auto in_memory = dims;
    in_memory[0] = unsigned_of(extent);
    const auto memory = h5::simple_space(in_memory);
    const auto space = select_stored(there);
    h5::select(memory, here, dims);
    const h5::Transfer how(is_parallel());
    h5::check(H5Dwrite(items.get(), native.get(), memory.get(), space.get(), how.list.get(), bytes.data()), "H5Dwrite");
    if (is_parallel()) io_mode = how.mode();
  }

  /// In as many collective writes as the rank with most of them needs, each of at most a few megabytes.
  void write_variable(std::span<const VariableRun> runs) {
    std::optional<Error> first;
    constexpr std::size_t at_once = std::size_t{8} << 20;
    std::vector<std::vector<VariableRun>> batches;
    std::size_t held = at_once;
    for (const auto& run : runs) {
      if (held + run.bytes.size() > at_once || batches.empty()) {
        batches.emplace_back();
        held = 0;
      }
      held += run.bytes.size();
      batches.back().push_back(run);
    }
    const auto rounds = comm ? comm->reduce_all(std::ssize(batches), MPI_MAX) : std::ssize(batches);
    batches.resize(static_cast<std::size_t>(rounds));
    for (auto& batch : batches) {
      std::sort(batch.begin(), batch.end(),
                [](const VariableRun& a, const VariableRun& b) { return a.begin < b.begin; });
      std::vector<Slab> there;
      std::vector<std::byte> packed;
      // One that lies alone is written from where it is.
      const bool is_alone = batch.size() == 1;
      for (const auto& run : batch) {
        there.push_back({run.begin, run.begin + std::ssize(run.bytes)});
        if (!is_alone) packed.insert(packed.end(), run.bytes.begin(), run.bytes.end());
      }
      const auto bytes = is_alone ? batch.front().bytes : std::span<const std::byte>(packed);
      keep_first(first, [&] {
        write_elements(variable, merged(there), variable_room, {H5T_NATIVE_UINT8, std::ssize(bytes), bytes.data()},
                       is_parallel());
      });
    }
    if (first) throw cannot_write_result(path, *first);
    std::int64_t bytes = 0;
    for (const auto& run : runs) bytes += std::ssize(run.bytes);
    bring_to_disk(bytes);
  }

  /// Items, and then what is beside them.
  void write(std::span<const Run> runs, std::span<const std::byte> bytes, std::span<const ItemMark> beside) {
    // A rank whose write fails must still take part in those that follow, or the others wait for it.
    std::optional<Error> first;
    keep_first(first, [&] {
      if (!columns) return write_rows(runs, bytes);
      columns->write(runs, bytes);
      io_mode = columns->io_mode();
    });
    marks.write(runs, beside, first);
    if (first) throw cannot_write_result(path, *first);
    std::size_t written = 0;
    for (const auto& run : runs) written += shape.bytes_in(run.items);
    bring_to_disk(static_cast<std::int64_t>(written));
  }

  /// Writes to the disk begin while the next items are computed: otherwise close() waits for all of them. For smaller
  /// parts the calls would cost more than they gain.
  void bring_to_disk(std::int64_t bytes) {
    constexpr std::int64_t part_bytes = 1'000'000;
    not_begun += bytes;
    // Where opening it again has failed, other ranks still need this one for their writes.
    if (!whole || not_begun < part_bytes) return;
    whole->begin_sync();
    not_begun = 0;
  }

  void read_rows(Slab rows, std::span<std::byte> bytes) const {
    if (rows.empty()) return;
    auto part = dims;
    part[0] = unsigned_of(rows.size());
    const auto memory = h5::simple_space(part);
    const auto space = select_stored({&rows, 1});
    h5::check(H5Dread(items.get(), native.get(), memory.get(), space.get(), H5P_DEFAULT, bytes.data()), "H5Dread");
  }
};

ResultFile::ResultFile(ResultFile&&) noexcept = default;
ResultFile::~ResultFile() = default;

ResultFile::ResultFile(const std::filesystem::path& path, const std::optional<Comm>& comm, const ResultShape& shape,
                       Access access)
    : impl_(std::make_unique<Impl>(path, comm, shape, access == Access::read ? H5F_ACC_RDONLY : H5F_ACC_RDWR)) {
  try {
    impl_->open();
  } catch (const Error& error) {
    if (access == Access::write) throw cannot_write_result(path, error);
    throw damaged_result(path, error.what());
  }
}

void ResultFile::write(std::span<const Run> runs, std::span<const std::byte> bytes, std::span<const ItemMark> marks) {
  impl_->write(runs, bytes, marks);
}

void ResultFile::write_variable(std::span<const VariableRun> runs) { impl_->write_variable(runs); }

void ResultFile::reserve(std::int64_t variable_bytes) {
  auto& here = *impl_;
  if (variable_bytes <= here.variable_room) return;
  auto room = std::max(here.variable_room, least_variable_bytes);
  while (room < variable_bytes) room *= 2;
  const auto all = [&](const std::function<void()>& action) {
    if (here.comm) return collective(*here.comm, action);
    action();
  };
  try {
    all([&] { here.close(); });
    all([&] {
      if (here.comm && here.comm->rank() != 0) return;
      FileImage(here.shape, room).put_around_data(ByteTarget(here.path));
    });
    all([&] { here.open(); });
  } catch (const Error& error) {
    throw AgreedError(cannot_write_result(here.path, error));
  }
}

void ResultFile::read(Slab items, std::span<std::byte> bytes) const {
  try {
    if (impl_->columns) {
      impl_->columns->read(items, bytes);
    } else {
      impl_->read_rows(impl_->shape.rows_of(items), bytes);
    }
  } catch (const Error& error) {
    throw damaged_result(impl_->path, error.what());
  }
}

std::vector<std::byte> ResultFile::read_variable(std::int64_t begin, std::int64_t size) const {
  const auto room = impl_->variable_room;
  if (begin < 0 || size < 0 || size > room || begin > room - size) {
    throw damaged_result(impl_->path, "bytes of an item lie outside of their dataset");
  }
  try {
    return read_elements<std::byte>(impl_->variable, H5T_NATIVE_UINT8, {begin, begin + size}, room);
  } catch (const Error& error) {
    throw damaged_result(impl_->path, error.what());
  }
}

std::vector<ItemMark> ResultFile::marks(Slab items) const {
  try {
    return impl_->marks.read(items);
  } catch (const Error& error) {
    throw damaged_result(impl_->path, error.what());
  }
}

void ResultFile::close() {
  try {
    impl_->close();
  } catch (const Error& error) {
    throw cannot_write_result(impl_->path, error);
  }
}

const std::string& ResultFile::io_mode() const { return impl_->io_mode; }

void start_hdf5() {
  // A file that may not grow is an error to tell, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  // HDF5 1.10 frees a file that it can't bring to a full disk, keeps its identifier, and crashes over it in its own
  // clean-up. Registered with neither exit() nor, being started before it, MPI, that never runs: handles close here.
  H5dont_atexit();
  // For each file that it opens, HDF5 clears half a megabyte for its cache of metadata. glibc would give that back to
  // the system each time, and fresh memory costs more than opening the file.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  // From where it then comes, touched at once.
  constexpr std::size_t heap_bytes = std::size_t{3} << 18;
  if (auto* heap = static_cast<std::byte*>(std::malloc(heap_bytes)); heap != nullptr) {
    touch({heap, heap_bytes});
    std::free(heap);
  }
  H5open();
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
#ifdef H5_HAVE_PARALLEL
  constexpr const char* kind = "parallel";
#else
  constexpr const char* kind = "not parallel";
#endif
  return fmt::format("{}.{}.{} ({})", major, minor, release, kind);
}

}  // namespace paceline
