#include "storage/result_file.hpp"

#include <fmt/format.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <functional>

#include <paceline/digest.hpp>
#include <paceline/error.hpp>

#include "storage/columns.hpp"
#include "storage/file_image.hpp"
#include "storage/flat_selection.hpp"
#include "storage/h5.hpp"
#include "storage/output_path.hpp"
#include "storage/structure.hpp"
#include "storage/transfer.hpp"

namespace paceline {
namespace {

// Room for variable bytes grows by doubling from here on.
constexpr std::int64_t least_variable_bytes = std::int64_t{4} << 20;

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

Error cannot_write(const std::filesystem::path& path, const Error& cause) {
  // MPI-IO keeps the system's reason to itself; the usual one can be seen.
  const auto full = full_disk(path);
  return {ExitCode::output, fmt::format("can't write {}", path.string()), full.empty() ? cause.what() : full,
          path.extension() == ".part"
              ? "free space or choose another place; what is finished is kept, go on with --resume"
              : "free space or choose another place"};
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

std::uint64_t digest_of_text(const std::string& text) { return item_digest(0, std::as_bytes(std::span(text))); }

std::uint64_t digest_of(std::int64_t item, const ItemMark& mark) {
  struct {
    double seconds;
    std::int32_t rank, thread;
  } plain{mark.origin.seconds, mark.origin.rank, mark.origin.thread};
  return item_digest(item, std::as_bytes(std::span(&plain, 1)));
}

/// At the beginning of the identity.
struct Header {
  char magic[8] = {'P', 'A', 'C', 'E', 'L', 'I', 'N', 'E'};
  std::uint64_t version = 2;
  std::uint64_t text_digest = 0;
  std::uint64_t layout_digest = 0;
  // Of a complete file.
  std::uint64_t structure_digest = 0;
  std::uint64_t result_digest = 0;
  std::uint64_t variable_bytes = 0;
  // Where the flags of finished items lie, whatever the shape is.
  std::int64_t flags_begin = 0;
  std::int64_t flags_end = 0;
  std::uint64_t unused = 0;
  std::uint64_t check = 0;  ///< of all before

  [[nodiscard]] std::uint64_t sum() const {
    return item_digest(1, std::as_bytes(std::span(this, 1)).first(offsetof(Header, check)));
  }
  [[nodiscard]] bool is_whole() const {
    return std::memcmp(magic, Header{}.magic, sizeof magic) == 0 && check == sum();
  }
};
static_assert(sizeof(Header) == identity_header);

Header header_of(const FileImage& image, const std::string& text) {
  Header header;
  header.text_digest = digest_of_text(text);
  header.layout_digest = image.layout_digest();
  const auto flags = image.place_of(finished_flags_path);
  header.flags_begin = flags.begin;
  header.flags_end = flags.end;
  return header;
}

void put_header(const ByteTarget& file, std::int64_t at, Header header) {
  header.check = header.sum();
  file.write(at, {reinterpret_cast<const char*>(&header), sizeof header});
}

/// Nothing if the file is too short for one, or has none.
std::optional<Header> read_header(const ByteFile& file, std::int64_t file_bytes, std::int64_t at) {
  if (file_bytes < at + identity_header) return std::nullopt;
  Header header;
  file.read(at, {reinterpret_cast<char*>(&header), sizeof header});
  return header.is_whole() ? std::optional(header) : std::nullopt;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// What differs first between the parameters of two runs.
Error other_run(const std::filesystem::path& path, const std::string& there, const std::string& here) {
  const auto fail = [&](const std::string& why) {
    return Error(ExitCode::input, fmt::format("{} belongs to another run", path.string()), why,
                 "give the options of that run, or start again with --force");
  };
  const auto theirs = lines_of(there);
  const auto ours = lines_of(here);
  for (std::size_t k = 0; k < std::max(theirs.size(), ours.size()); ++k) {
    if (k >= theirs.size() || k >= ours.size()) break;
    if (theirs[k] == ours[k]) continue;
    const auto name = theirs[k].substr(0, theirs[k].find('\t'));
    if (ours[k].substr(0, ours[k].find('\t')) != name) break;
    return fail(fmt::format("{} is {} there and {} here", name, theirs[k].substr(name.size() + 1),
                            ours[k].substr(name.size() + 1)));
  }
  return fail("its parameters are others");
}

/// Throws Error (input) unless the header is that of a run with this identity.
void check_identity(const std::filesystem::path& path, const ByteFile& file, std::int64_t file_bytes,
                    const Header& header, const FileImage& image, const std::string& text) {
  const auto at = image.identity().begin + identity_header;
  if (header.text_digest != digest_of_text(text)) {
    std::string there(static_cast<std::size_t>(std::clamp(file_bytes - at, std::int64_t{0}, std::int64_t{1} << 16)), 0);
    file.read(at, there);
    throw other_run(path, there.substr(0, there.find('\0')), text);
  }
  std::string there(text.size(), 0);
  if (file_bytes >= image.identity().end) file.read(at, there);
  if (there != text) throw damaged(path, "its identity is not what it was");
  if (header.layout_digest != image.layout_digest()) {
    throw Error(ExitCode::input, fmt::format("{} was made by another build", path.string()),
                "its data lie at other places", "go on with that build, or start again with --force");
  }
}

bool has_flags(const ByteFile& file, std::int64_t file_bytes, Slab place) {
  const auto there = intersect(place, {0, file_bytes});
  std::vector<char> flags(static_cast<std::size_t>(there.size()));
  file.read(there.begin, flags);
  return std::any_of(flags.begin(), flags.end(), [](char flag) { return flag != 0; });
}

}  // namespace

std::uint64_t digest_of(std::int64_t item, std::span<const std::byte> bytes, const Pieces& variable) {
  if (variable.empty()) return item_digest(item, bytes);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset_withSeed(state.get(), static_cast<XXH64_hash_t>(item));
  XXH3_64bits_update(state.get(), bytes.data(), bytes.size());
  for (const auto& piece : variable) XXH3_64bits_update(state.get(), piece.data(), piece.size());
  const auto hash = XXH3_64bits_digest(state.get());
  return hash == 0 ? 1 : hash;
}

struct ResultFile::Impl {
  std::filesystem::path path;
  std::optional<Comm> comm;
  ResultShape shape;
  unsigned access = H5F_ACC_RDONLY;
  std::vector<hsize_t> dims, stored_dims;
  hsize_t row_bytes = 1;
  h5::Handle native;
  std::int64_t items_count = 0;
  std::int64_t variable_room = 0;
  h5::Handle file, items, digests, finished, variable;
  std::optional<Columns> columns;
  /// Of each item, as the shape has them.
  h5::Handle item_seconds, item_rank, item_thread, origin_digests, variable_begins, variable_sizes;
  std::string io_mode = "serial";

  Impl(const std::filesystem::path& where, const std::optional<Comm>& ranks, const ResultShape& of, unsigned how)
      : path(where),
        comm(ranks),
        shape(of),
        access(how),
        dims(shape.dims.begin(), shape.dims.end()),
        stored_dims(shape.stored_dims().begin(), shape.stored_dims().end()),
        native(h5::native_type(shape.type, 1)),
        items_count(shape.items()) {
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
    digests = open(item_digests_path);
    finished = open(finished_flags_path);
    if (!shape.origins.empty()) {
      item_seconds = open(shape.origins + "/seconds");
      item_rank = open(shape.origins + "/rank");
      item_thread = open(shape.origins + "/thread");
      origin_digests = open(origin_digests_path);
    }
    if (shape.variable) {
      variable_begins = open(shape.variable->begin_path);
      variable_sizes = open(shape.variable->size_path);
      variable = open(shape.variable->path);
      const h5::Handle space(H5Dget_space(variable.get()), H5Sclose, "H5Dget_space");
      variable_room = H5Sget_simple_extent_npoints(space.get());
    }
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
    for (auto* dataset : {&items, &digests, &finished, &item_seconds, &item_rank, &item_thread, &origin_digests,
                          &variable_begins, &variable_sizes, &variable}) {
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

  /// A number an item.
  template <class T, class Value>
  void write_each(const h5::Handle& dataset, hid_t type, std::span<const Run> runs, std::span<const ItemMark> marks,
                  Value&& value) {
    std::vector<T> values;
    std::vector<Slab> there;
    for (const auto& run : runs) {
      there.push_back(run.items);
      for (std::int64_t i = 0; i < run.items.size(); ++i) {
        values.push_back(value(run.items.begin + i, marks[static_cast<std::size_t>(run.at + i)]));
      }
    }
    write_elements(dataset, type, there, unsigned_of(items_count), std::ssize(values), values.data());
  }

  /// Elements that follow each other in memory, to slabs of a dataset of one dimension.
  void write_elements(const h5::Handle& dataset, hid_t type, std::span<const Slab> there, hsize_t whole,
                      std::int64_t count, const void* values) {
    const auto memory = h5::simple_space({unsigned_of(std::max(std::int64_t{1}, count))});
    const auto space = h5::simple_space({whole});
    const Slab here{0, count};
    h5::select(memory, {&here, 1}, {unsigned_of(count)});
    h5::select(space, there, {whole});
    const std::uint64_t none = 0;
    const h5::Transfer how(is_parallel());
    h5::check(H5Dwrite(dataset.get(), type, memory.get(), space.get(), how.list.get(), count > 0 ? values : &none),
              "H5Dwrite");
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
        write_elements(variable, H5T_NATIVE_UINT8, merged(there), unsigned_of(variable_room), std::ssize(bytes),
                       bytes.data());
      });
    }
    if (first) throw cannot_write(path, *first);
  }

  /// Items, then digests and origins, last the flags.
  void write(std::span<const Run> runs, std::span<const std::byte> bytes, std::span<const ItemMark> marks) {
    // A rank whose write fails must still take part in those that follow, or the others wait for it.
    std::optional<Error> first;
    const auto attempt = [&](const std::function<void()>& action) { keep_first(first, action); };
    attempt([&] {
      if (!columns) return write_rows(runs, bytes);
      columns->write(runs, bytes);
      io_mode = columns->io_mode();
    });
    const auto each = [&]<class T>(const h5::Handle& dataset, hid_t type, T /*zero*/, auto value) {
      attempt([&] { write_each<T>(dataset, type, runs, marks, value); });
    };
    if (shape.variable) {
      each(variable_begins, H5T_NATIVE_INT64, std::int64_t{}, [](auto, const ItemMark& mark) { return mark.begin; });
      each(variable_sizes, H5T_NATIVE_INT64, std::int64_t{}, [](auto, const ItemMark& mark) { return mark.size; });
    }
    if (!shape.origins.empty()) {
      each(item_seconds, H5T_NATIVE_DOUBLE, double{}, [](auto, const ItemMark& mark) { return mark.origin.seconds; });
      each(item_rank, H5T_NATIVE_INT32, std::int32_t{}, [](auto, const ItemMark& mark) { return mark.origin.rank; });
      each(item_thread, H5T_NATIVE_INT32, std::int32_t{},
           [](auto, const ItemMark& mark) { return mark.origin.thread; });
      each(origin_digests, H5T_NATIVE_UINT64, std::uint64_t{},
           [](std::int64_t item, const ItemMark& mark) { return digest_of(item, mark); });
    }
    each(digests, H5T_NATIVE_UINT64, std::uint64_t{}, [](auto, const ItemMark& mark) { return mark.digest; });
    // An item that could not be written is not flagged.
    const auto flagged = first ? std::span<const Run>{} : runs;
    attempt([&] {
      write_each<std::uint8_t>(finished, H5T_NATIVE_UINT8, flagged, marks,
                               [](auto, const ItemMark&) { return std::uint8_t{1}; });
    });
    if (first) throw cannot_write(path, *first);
  }

  template <class T>
  std::vector<T> read_elements(const h5::Handle& dataset, hid_t type, Slab wanted, std::int64_t whole) const {
    std::vector<T> values(static_cast<std::size_t>(wanted.size()));
    if (wanted.empty()) return values;
    const auto memory = h5::simple_space({values.size()});
    const auto space = h5::simple_space({unsigned_of(whole)});
    h5::select(space, {&wanted, 1}, {unsigned_of(whole)});
    h5::check(H5Dread(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values.data()), "H5Dread");
    return values;
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

void ResultFile::create(const std::filesystem::path& path, const ResultShape& shape) {
  try {
    const FileImage image(shape, least_variable_bytes);
    const ByteTarget file(path);
    // Data of a former run must not be there: they would have flags.
    file.resize(0);
    image.put_around_data_unsigned(file);
    const auto text = identity_text(shape);
    file.write(image.identity().begin + identity_header, text);
    file.sync();
    // Last: what has neither is no result.
    put_header(file, image.identity().begin, header_of(image, text));
    image.put_signature(file);
  } catch (const Error& error) {
    throw cannot_write(path, error);
  }
}

bool ResultFile::restore(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const FileImage least(shape, least_variable_bytes);
  const auto text = identity_text(shape);
  std::optional<Header> header;
  {
    const ByteFile file(path);
    header = read_header(file, file_bytes, least.identity().begin);
    if (!header) {
      if (has_signature(file, file_bytes)) {
        throw damaged(path, "it has no identity, or was made by version 0.1, whose runs are not resumed");
      }
      return false;
    }
    check_identity(path, file, file_bytes, *header, least, text);
  }
  std::int64_t room = 0;
  if (shape.variable) {
    const auto begin = least.place_of(shape.variable->path).begin;
    room = std::max(least_variable_bytes, file_bytes - begin);
  }
  const FileImage image(shape, room);
  const ByteTarget file(path);
  image.put_around_data(file);
  put_header(file, image.identity().begin, header_of(image, text));
  return true;
}

void ResultFile::seal(const std::filesystem::path& path, const ResultShape& shape, const Seal& seal) {
  try {
    const auto text = identity_text(shape);
    std::int64_t used = 0;
    if (shape.variable) {
      const ResultFile file(path, std::nullopt, shape, Access::read);
      for (std::int64_t begin = 0; begin < shape.items(); begin += 1 << 16) {
        for (const auto& mark : file.marks({begin, std::min(begin + (1 << 16), shape.items())})) {
          used = std::max(used, mark.begin + mark.size);
        }
      }
    }
    const FileImage image(shape, used, [&](hid_t file) {
      for (const auto& [name, value] : seal.provenance) h5::set_attribute(file, name, value);
      write_tables(file, seal.tables);
      for (const auto& reduced : seal.reduced) write_reduced(file, reduced);
      Digest digest;
      digest.add(seal.digest);
      h5::set_attribute(file, "digest", digest.text());
    });
    auto header = header_of(image, text);
    const ByteTarget file(path);
    image.put_around_data(file);
    header.structure_digest = structure_digest(ByteFile(path), image.file_bytes(), image.data());
    header.result_digest = seal.digest;
    header.variable_bytes = static_cast<std::uint64_t>(used);
    put_header(file, image.identity().begin, header);
  } catch (const Error& error) {
    throw cannot_write(path, error);
  }
}

bool ResultFile::has_finished_items(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const ByteFile file(path);
  const FileImage least(shape, least_variable_bytes);
  const auto header = read_header(file, file_bytes, least.identity().begin);
  if (!header) return has_signature(file, file_bytes);
  return has_flags(file, file_bytes, {header->flags_begin, header->flags_end});
}

std::uint64_t ResultFile::check_complete(const std::filesystem::path& path, const ResultShape& shape) {
  const auto file_bytes = ByteFile::size_of(path);
  const ByteFile file(path);
  const FileImage least(shape, 0);
  const auto header = read_header(file, file_bytes, least.identity().begin);
  if (!header) throw damaged(path, "it has no identity");
  check_identity(path, file, file_bytes, *header, least, identity_text(shape));
  const auto used = static_cast<std::int64_t>(header->variable_bytes);
  if (used < 0 || used > file_bytes) throw damaged(path, "its identity is not what it was");
  const FileImage image(shape, used);
  if (header->structure_digest != structure_digest(file, file_bytes, image.data())) {
    throw damaged(path, "it is not as it was when it was complete");
  }
  return header->result_digest;
}

ResultFile::ResultFile(const std::filesystem::path& path, const std::optional<Comm>& comm, const ResultShape& shape,
                       Access access)
    : impl_(std::make_unique<Impl>(path, comm, shape, access == Access::read ? H5F_ACC_RDONLY : H5F_ACC_RDWR)) {
  try {
    impl_->open();
  } catch (const Error& error) {
    if (access == Access::write) throw cannot_write(path, error);
    throw damaged(path, error.what());
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
    if (here.comm) return together(*here.comm, action);
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
    throw AgreedError(cannot_write(here.path, error));
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
    throw damaged(impl_->path, error.what());
  }
}

std::vector<std::byte> ResultFile::read_variable(std::int64_t begin, std::int64_t size) const {
  const auto room = impl_->variable_room;
  if (begin < 0 || size < 0 || size > room || begin > room - size) {
    throw damaged(impl_->path, "bytes of an item lie outside of their dataset");
  }
  try {
    return impl_->read_elements<std::byte>(impl_->variable, H5T_NATIVE_UINT8, {begin, begin + size}, room);
  } catch (const Error& error) {
    throw damaged(impl_->path, error.what());
  }
}

std::vector<ItemMark> ResultFile::marks(Slab items) const {
  try {
    const auto& here = *impl_;
    std::vector<ItemMark> marks(static_cast<std::size_t>(items.size()));
    const auto each = [&]<class T>(const h5::Handle& dataset, hid_t type, T /*zero*/, auto take) {
      const auto values = here.read_elements<T>(dataset, type, items, here.items_count);
      for (std::size_t i = 0; i < values.size(); ++i) take(i, values[i]);
    };
    each(here.digests, H5T_NATIVE_UINT64, std::uint64_t{}, [&](auto i, auto value) { marks[i].digest = value; });
    if (here.shape.variable) {
      each(here.variable_begins, H5T_NATIVE_INT64, std::int64_t{}, [&](auto i, auto v) { marks[i].begin = v; });
      each(here.variable_sizes, H5T_NATIVE_INT64, std::int64_t{}, [&](auto i, auto v) { marks[i].size = v; });
    }
    if (!here.shape.origins.empty()) {
      each(here.item_seconds, H5T_NATIVE_DOUBLE, double{}, [&](auto i, auto v) { marks[i].origin.seconds = v; });
      each(here.item_rank, H5T_NATIVE_INT32, std::int32_t{}, [&](auto i, auto v) { marks[i].origin.rank = v; });
      each(here.item_thread, H5T_NATIVE_INT32, std::int32_t{}, [&](auto i, auto v) { marks[i].origin.thread = v; });
      each(here.origin_digests, H5T_NATIVE_UINT64, std::uint64_t{}, [&](auto i, auto value) {
        if (value != digest_of(items.begin + static_cast<std::int64_t>(i), marks[i])) marks[i].digest = 0;
      });
    }
    each(here.finished, H5T_NATIVE_UINT8, std::uint8_t{}, [&](auto i, auto flag) {
      if (flag != 1) marks[i].digest = 0;
    });
    return marks;
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
