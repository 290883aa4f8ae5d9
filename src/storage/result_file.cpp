#include "storage/result_file.hpp"

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <csignal>
#include <functional>

#include <paceline/error.hpp>

#include "storage/byte_file.hpp"
#include "storage/columns.hpp"
#include "storage/h5.hpp"
#include "storage/output_path.hpp"
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
  // Result data begins on a page, so that ranks don't share one more than they must.
  h5::check(H5Pset_alignment(list.get(), 1 << 16, 4096), "H5Pset_alignment");
  return list;
}

/// The indices along the first dimension that runs of items have; an item has `rows` of them, the last perhaps fewer.
std::vector<Slab> indices(std::span<const Run> runs, bool in_memory, const std::vector<hsize_t>& dims,
                          std::int64_t rows) {
  std::vector<Slab> slabs;
  for (const auto& run : runs) {
    const auto begin = run.items.begin * rows;
    const auto size = std::min(static_cast<std::int64_t>(dims[0]), run.items.end * rows) - begin;
    const auto first = in_memory ? run.at * rows : begin;
    slabs.push_back({first, first + size});
  }
  return slabs;
}

Error cannot_write(const std::filesystem::path& path, const Error& cause) {
  // MPI-IO keeps the system's reason to itself; the usual one can be seen.
  const auto full = full_disk(path);
  return {ExitCode::output, fmt::format("can't write {}", path.string()), full.empty() ? cause.what() : full,
          "free space or choose another place; what is finished is kept, go on with --resume"};
}

Error damaged(const std::filesystem::path& path, const std::string& why) {
  return {ExitCode::input, fmt::format("{} is damaged or not a result of paceline", path.string()), why,
          "start again with --force"};
}

/// Calls `action`; its error is kept unless there is one already.
void keep_first(std::optional<Error>& first, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    if (!first) first = error;
  }
}

/// Where the parameters are: the dataset of the items, or the group of the columns.
h5::Handle open_object(hid_t file, const std::string& path) {
  return {H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose, "H5Oopen"};
}

/// Throws Error (input) unless the file holds items of this shape made with these parameters.
h5::Handle open_checked(hid_t file, const std::filesystem::path& path, const ResultShape& shape) {
  const auto fail = [&](const std::string& what, const std::string& there, const std::string& here) {
    return Error(ExitCode::input, fmt::format("{} belongs to another run", path.string()),
                 fmt::format("{} is {} there and {} here", what, there, here),
                 "give the options of that run, or start again with --force");
  };
  if (H5LTpath_valid(file, shape.path.c_str(), 1) <= 0) throw damaged(path, fmt::format("it has no {}", shape.path));
  auto object = open_object(file, shape.path);
  const auto as_text = [](const AttributeValue& value) {
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
  };
  const auto check_attributes = [&] {
    for (const auto& [name, value] : shape.attributes) {
      const auto stored = h5::get_attribute(object.get(), name, value);
      if (stored != value) throw fail(name, as_text(stored), as_text(value));
    }
  };
  if (!shape.columns.empty()) {
    check_attributes();
    for (const auto& column : shape.columns) {
      if (H5LTpath_valid(file, column.path.c_str(), 1) <= 0) {
        throw damaged(path, fmt::format("it has no {}", column.path));
      }
    }
    if (const auto why = Columns(file, shape, false).mismatch(); !why.empty()) throw damaged(path, why);
    return object;
  }
  const h5::Handle space(H5Dget_space(object.get()), H5Sclose, "H5Dget_space");
  std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  if (!std::equal(dims.begin(), dims.end(), shape.dims.begin(), shape.dims.end(), std::equal_to<>())) {
    throw fail("the shape", fmt::format("{}", fmt::join(dims, " x ")), fmt::format("{}", fmt::join(shape.dims, " x ")));
  }
  check_attributes();
  const h5::Handle type(H5Dget_type(object.get()), H5Tclose, "H5Dget_type");
  if (H5Tequal(type.get(), h5::stored_type(shape.type)) <= 0) throw damaged(path, "its elements have another type");
  return object;
}

}  // namespace

struct ResultFile::Impl {
  std::filesystem::path path;
  ResultShape shape;
  bool parallel = false;
  std::vector<hsize_t> dims;
  hid_t native = -1;
  std::int64_t items_count = 0;
  std::int64_t rows_per_item = 1;
  h5::Handle file, items, digests, finished;
  std::optional<Columns> columns;
  h5::Handle item_seconds, item_rank, item_thread;  ///< of each item's record, if they are kept
  std::string io_mode = "serial";
  std::vector<std::uint8_t> flags;
  unsigned access = H5F_ACC_RDONLY;
  std::int64_t cached_bytes = 0;  ///< of parcels

  Impl(const std::filesystem::path& where, const std::optional<Comm>& comm, const ResultShape& of)
      : path(where),
        shape(of),
        parallel(comm.has_value()),
        dims(shape.dims.begin(), shape.dims.end()),
        native(h5::native_type(shape.type)),
        items_count(shape.items()),
        rows_per_item(shape.rows_per_item) {
    h5::be_quiet();
  }

  void open(const std::optional<Comm>& comm) {
    const auto list = access_list(comm);
    file = {H5Fopen(path.c_str(), access, list.get()), H5Fclose, "H5Fopen"};
    items = open_checked(file.get(), path, shape);
    if (!shape.columns.empty()) columns.emplace(file.get(), shape, parallel);
    digests = h5::open_dataset(file.get(), item_digests_path);
    finished = h5::open_dataset(file.get(), finished_flags_path);
    if (shape.records.empty()) return;
    item_seconds = h5::open_dataset(file.get(), shape.records + "/seconds");
    item_rank = h5::open_dataset(file.get(), shape.records + "/rank");
    item_thread = h5::open_dataset(file.get(), shape.records + "/thread");
  }

  /// Everything is closed even if a part fails: it is collective, and others wait.
  void close() {
    std::optional<Error> first;
    const auto attempt = [&](const std::function<void()>& action) { keep_first(first, action); };
    attempt([&] { h5::check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "H5Fflush"); });
    if (columns) attempt([&] { columns->close(); });
    for (auto* dataset : {&items, &digests, &finished, &item_seconds, &item_rank, &item_thread}) {
      if (dataset->get() >= 0) attempt([&] { dataset->close("closing an object"); });
    }
    attempt([&] { file.close("H5Fclose"); });
    if (first) throw Error(*first);
  }

  /// HDF5 keeps variable elements in its cache, twice, until the file is closed: so that is done once they are many.
  void drop_cache(std::int64_t more) {
    constexpr std::int64_t many = std::int64_t{4} << 20;
    cached_bytes += more;
    if (cached_bytes < many) return;
    cached_bytes = 0;
    close();
    open(std::nullopt);
  }

  /// One member of the records: a dataset each.
  template <class T>
  void transfer_member(const h5::Handle& dataset, hid_t type, T ItemRecord::*member, std::span<const Run> runs,
                       std::int64_t extent, std::span<const ItemRecord> records) {
    std::vector<T> values(static_cast<std::size_t>(std::max(std::int64_t{1}, extent)));
    for (const auto& run : runs) {
      for (auto i = run.at; i < run.at + run.items.size(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        values[at] = records[at].*member;
      }
    }
    transfer(dataset, type, true, runs, extent, values.data());
  }

  /// `one_each`: of a dataset that has one number an item.
  void transfer(const h5::Handle& dataset, hid_t type, bool one_each, std::span<const Run> runs, std::int64_t extent,
                const void* data) {
    const auto whole = one_each ? std::vector<hsize_t>{unsigned_of(items_count)} : dims;
    const auto rows = one_each ? 1 : rows_per_item;
    auto in_memory = whole;
    in_memory[0] = unsigned_of(std::max(std::int64_t{1}, extent * rows));
    const auto rank = static_cast<int>(whole.size());
    const h5::Handle memory(H5Screate_simple(rank, in_memory.data(), nullptr), H5Sclose, "H5Screate_simple");
    const h5::Handle space(H5Screate_simple(rank, whole.data(), nullptr), H5Sclose, "H5Screate_simple");
    h5::select(memory, indices(runs, true, whole, rows), whole);
    h5::select(space, indices(runs, false, whole, rows), whole);
    const h5::Transfer how(parallel);
    h5::check(H5Dwrite(dataset.get(), type, memory.get(), space.get(), how.list.get(), data), "H5Dwrite");
    if (parallel && !one_each) io_mode = how.mode();
  }

  /// Values, then digests and records, last the flags.
  void write_values(std::span<const Run> runs, std::int64_t extent, const std::function<void()>& values,
                    std::span<const std::uint64_t> item_digests, std::span<const ItemRecord> records) {
    // A rank whose write fails must still take part in those that follow, or the others wait for it.
    std::optional<Error> first;
    const auto attempt = [&](const std::function<void()>& action) { keep_first(first, action); };
    attempt(values);
    attempt([&] { transfer(digests, H5T_NATIVE_UINT64, true, runs, extent, item_digests.data()); });
    if (item_seconds.get() >= 0) {
      const auto put = [&](const h5::Handle& dataset, hid_t type, auto member) {
        attempt([&] { transfer_member(dataset, type, member, runs, extent, records); });
      };
      put(item_seconds, H5T_NATIVE_DOUBLE, &ItemRecord::seconds);
      put(item_rank, H5T_NATIVE_INT32, &ItemRecord::rank);
      put(item_thread, H5T_NATIVE_INT32, &ItemRecord::thread);
    }
    // An item that could not be written is not flagged.
    flags.assign(static_cast<std::size_t>(std::max(std::int64_t{1}, extent)), 1);
    const auto flagged = first ? std::span<const Run>{} : runs;
    attempt([&] { transfer(finished, H5T_NATIVE_UINT8, true, flagged, extent, flags.data()); });
    if (first) throw cannot_write(path, *first);
  }

  template <class T>
  std::vector<T> read_column(const h5::Handle& dataset, hid_t type, Slab wanted) const {
    std::vector<T> values(static_cast<std::size_t>(wanted.size()));
    read_into(dataset, type, wanted, {unsigned_of(items_count)}, 1, values.data());
    return values;
  }

  void read_into(const h5::Handle& dataset, hid_t type, Slab wanted, const std::vector<hsize_t>& whole,
                 std::int64_t rows, void* data) const {
    if (wanted.empty()) return;
    const Run run{wanted, 0};
    auto part = whole;
    part[0] = std::min(whole[0], unsigned_of(wanted.end * rows)) - unsigned_of(wanted.begin * rows);
    const auto rank = static_cast<int>(whole.size());
    const h5::Handle memory(H5Screate_simple(rank, part.data(), nullptr), H5Sclose, "H5Screate_simple");
    const h5::Handle space(H5Screate_simple(rank, whole.data(), nullptr), H5Sclose, "H5Screate_simple");
    h5::select(space, indices({&run, 1}, false, whole, rows), whole);
    h5::check(H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, data), "H5Dread");
  }
};

ResultFile::ResultFile(ResultFile&&) noexcept = default;
ResultFile::~ResultFile() = default;

void ResultFile::create(const std::filesystem::path& path, const ResultShape& shape, const Provenance& provenance) {
  h5::be_quiet();
  try {
    const auto access = access_list(std::nullopt);
    h5::Handle handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), H5Fclose, "H5Fcreate");
    write_structure(handle.get(), shape, provenance);
    handle.close("H5Fclose");
  } catch (const Error& error) {
    throw cannot_write(path, error);
  }
}

void ResultFile::seal(const std::filesystem::path& path, const std::string& digest, const RunTables& tables,
                      const Provenance& facts, const std::optional<Conclusion>& value) {
  try {
    const auto access = access_list(std::nullopt);
    h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose, "H5Fopen");
    write_tables(file.get(), tables);
    if (value) write_value(file.get(), *value);
    h5::set_attribute(file.get(), "digest", digest);
    for (const auto& [name, fact] : facts) h5::set_attribute(file.get(), name, fact);
    file.close("H5Fclose");
  } catch (const Error& error) {
    throw cannot_write(path, error);
  }
}

ResultFile::ResultFile(const std::filesystem::path& path, const std::optional<Comm>& comm, const ResultShape& shape,
                       Access access)
    : impl_(std::make_unique<Impl>(path, comm, shape)) {
  impl_->access = access == Access::read ? H5F_ACC_RDONLY : H5F_ACC_RDWR;
  try {
    impl_->open(comm);
  } catch (const Error& error) {
    if (error.code() == ExitCode::input) throw;
    throw damaged(path, error.what());
  }
}

void ResultFile::write(std::span<const Run> runs, std::int64_t extent, std::span<const std::byte> bytes,
                       std::span<const std::uint64_t> digests, std::span<const ItemRecord> records) {
  impl_->write_values(
      runs, extent,
      [&] {
        if (impl_->columns) {
          impl_->columns->write(runs, bytes);
          impl_->io_mode = impl_->columns->io_mode();
        } else {
          impl_->transfer(impl_->items, impl_->native, false, runs, extent, bytes.data());
        }
      },
      digests, records);
}

void ResultFile::write(std::vector<Parcel> parcels) {
  std::vector<Run> runs;
  std::vector<std::uint64_t> digests;
  std::vector<ItemRecord> records;
  std::int64_t bytes = 0;
  for (const auto& parcel : parcels) {
    runs.push_back({{parcel.item, parcel.item + 1}, std::ssize(digests)});
    digests.push_back(parcel.digest);
    records.push_back(parcel.record);
    bytes += std::ssize(parcel.bytes);
  }
  impl_->write_values(
      runs, std::ssize(digests),
      [&] {
        impl_->columns->write(parcels);
        // HDF5 has a copy, and makes another one when it brings it to the file.
        parcels.clear();
        // Variable elements are among what HDF5 holds back; the flags below are not.
        h5::check(H5Fflush(impl_->file.get(), H5F_SCOPE_GLOBAL), "H5Fflush");
        impl_->drop_cache(bytes);
      },
      digests, records);
}

void ResultFile::read(Slab items, std::span<std::byte> bytes) const {
  try {
    if (impl_->columns) {
      impl_->columns->read(items, bytes);
    } else {
      impl_->read_into(impl_->items, impl_->native, items, impl_->dims, impl_->rows_per_item, bytes.data());
    }
  } catch (const Error& error) {
    throw damaged(impl_->path, error.what());
  }
}

std::vector<std::byte> ResultFile::read_parcel(std::int64_t item) const {
  try {
    auto parts = impl_->columns->read_parcel(item);
    // Before there is yet another copy.
    impl_->drop_cache(parts.size());
    return parts.take();
  } catch (const Error& error) {
    throw damaged(impl_->path, error.what());
  }
}

void ResultFile::forget(Slab items) {
  try {
    // HDF5 has no call for it, and holds nothing back of datasets like these.
    const ByteTarget file(impl_->path);
    for (const auto& place : impl_->columns->references(items)) {
      constexpr std::int64_t piece = std::int64_t{1} << 20;
      for (auto at = place.begin; at < place.end; at += piece) {
        file.write(at, std::vector<char>(static_cast<std::size_t>(std::min(piece, place.end - at)), 0));
      }
    }
  } catch (const Error& error) {
    throw cannot_write(impl_->path, error);
  }
}

std::vector<std::uint64_t> ResultFile::finished_digests(Slab items) const {
  try {
    auto digests = impl_->read_column<std::uint64_t>(impl_->digests, H5T_NATIVE_UINT64, items);
    const auto flags = impl_->read_column<std::uint8_t>(impl_->finished, H5T_NATIVE_UINT8, items);
    for (std::size_t i = 0; i < digests.size(); ++i) digests[i] = flags[i] == 1 ? digests[i] : 0;
    return digests;
  } catch (const Error& error) {
    throw damaged(impl_->path, error.what());
  }
}

void ResultFile::close() {
  try {
    impl_->close();
  } catch (const Error& error) {
    throw cannot_write(impl_->path, error);
  }
}

const std::string& ResultFile::io_mode() const { return impl_->io_mode; }

std::string stored_digest(const std::filesystem::path& path, const ResultShape& shape) {
  h5::be_quiet();
  try {
    const auto access = access_list(std::nullopt);
    const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose, "H5Fopen");
    open_checked(file.get(), path, shape);
    return std::get<std::string>(h5::get_attribute(file.get(), "digest", std::string()));
  } catch (const Error& error) {
    if (error.code() == ExitCode::input) throw;
    throw damaged(path, error.what());
  }
}

void start_hdf5() {
  // A file that may not grow is an error to tell, not a death.
  std::signal(SIGXFSZ, SIG_IGN);
  // HDF5 1.10 frees a file that it can't bring to a full disk, keeps its identifier, and crashes over it in its own
  // clean-up. Registered with neither exit() nor, being started before it, MPI, that never runs: handles close here.
  H5dont_atexit();
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
