#include "storage/study_table.hpp"

#include <fmt/format.h>

#include <cstring>

#include <paceline/error.hpp>

#include "storage/study_file.hpp"

namespace paceline {
namespace {

/// A row of /study/samples in memory; in the file it has no gaps.
struct SampleRow {
  std::int32_t ranks, threads, nodes, repeat, order;
  std::int8_t warmup;
  double wall_s;
  double init_s, plan_s, scatter_s, compute_s, gather_s, write_s, compute_mean_s, serial_s;
  const char* digest;
  char status[12];
  std::int8_t bound_ok;
  char started[24];
};

struct LeftOutRow {
  std::int32_t ranks, threads, nodes;
  const char* reason;
};

/// As h5py writes and reads a bool.
h5::Handle bool_type() {
  h5::Handle type(H5Tenum_create(H5T_NATIVE_INT8), H5Tclose, "H5Tenum_create");
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  h5::check(H5Tenum_insert(type.get(), "FALSE", &no), "H5Tenum_insert");
  h5::check(H5Tenum_insert(type.get(), "TRUE", &yes), "H5Tenum_insert");
  return type;
}

h5::Handle sample_type() {
  h5::Handle row(H5Tcreate(H5T_COMPOUND, sizeof(SampleRow)), H5Tclose, "H5Tcreate");
  const auto column = [&](const char* name, std::size_t offset, hid_t type) {
    h5::check(H5Tinsert(row.get(), name, offset, type), "H5Tinsert");
  };
  const auto digest = h5::text_type();
  const auto status = h5::text_type(sizeof(SampleRow::status));
  const auto started = h5::text_type(sizeof(SampleRow::started));
  const auto flag = bool_type();
  column("ranks", HOFFSET(SampleRow, ranks), H5T_NATIVE_INT32);
  column("threads", HOFFSET(SampleRow, threads), H5T_NATIVE_INT32);
  column("nodes", HOFFSET(SampleRow, nodes), H5T_NATIVE_INT32);
  column("repeat", HOFFSET(SampleRow, repeat), H5T_NATIVE_INT32);
  column("order", HOFFSET(SampleRow, order), H5T_NATIVE_INT32);
  column("warmup", HOFFSET(SampleRow, warmup), flag.get());
  column("wall_s", HOFFSET(SampleRow, wall_s), H5T_NATIVE_DOUBLE);
  column("init_s", HOFFSET(SampleRow, init_s), H5T_NATIVE_DOUBLE);
  column("plan_s", HOFFSET(SampleRow, plan_s), H5T_NATIVE_DOUBLE);
  column("scatter_s", HOFFSET(SampleRow, scatter_s), H5T_NATIVE_DOUBLE);
  column("compute_s", HOFFSET(SampleRow, compute_s), H5T_NATIVE_DOUBLE);
  column("gather_s", HOFFSET(SampleRow, gather_s), H5T_NATIVE_DOUBLE);
  column("write_s", HOFFSET(SampleRow, write_s), H5T_NATIVE_DOUBLE);
  column("compute_mean_s", HOFFSET(SampleRow, compute_mean_s), H5T_NATIVE_DOUBLE);
  column("serial_s", HOFFSET(SampleRow, serial_s), H5T_NATIVE_DOUBLE);
  column("digest", HOFFSET(SampleRow, digest), digest.get());
  column("status", HOFFSET(SampleRow, status), status.get());
  column("bound_ok", HOFFSET(SampleRow, bound_ok), flag.get());
  column("started", HOFFSET(SampleRow, started), started.get());
  return row;
}

h5::Handle left_out_type() {
  h5::Handle row(H5Tcreate(H5T_COMPOUND, sizeof(LeftOutRow)), H5Tclose, "H5Tcreate");
  const auto reason = h5::text_type();
  h5::check(H5Tinsert(row.get(), "ranks", HOFFSET(LeftOutRow, ranks), H5T_NATIVE_INT32), "H5Tinsert");
  h5::check(H5Tinsert(row.get(), "threads", HOFFSET(LeftOutRow, threads), H5T_NATIVE_INT32), "H5Tinsert");
  h5::check(H5Tinsert(row.get(), "nodes", HOFFSET(LeftOutRow, nodes), H5T_NATIVE_INT32), "H5Tinsert");
  h5::check(H5Tinsert(row.get(), "reason", HOFFSET(LeftOutRow, reason), reason.get()), "H5Tinsert");
  return row;
}

void create_table(hid_t file, const char* path, const h5::Handle& row) {
  const hsize_t none = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const hsize_t chunk = 32;
  const h5::Handle space(H5Screate_simple(1, &none, &unlimited), H5Sclose, "H5Screate_simple");
  const auto creation = h5::properties(H5P_DATASET_CREATE);
  h5::check(H5Pset_chunk(creation.get(), 1, &chunk), "H5Pset_chunk");
  const h5::Handle packed(H5Tcopy(row.get()), H5Tclose, "H5Tcopy");
  h5::check(H5Tpack(packed.get()), "H5Tpack");
  const h5::Handle dataset(H5Dcreate2(file, path, packed.get(), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                           H5Dclose, "H5Dcreate");
}

h5::Handle open_table(hid_t file, const char* path) { return {H5Dopen2(file, path, H5P_DEFAULT), H5Dclose, "H5Dopen"}; }

hsize_t rows_of(const h5::Handle& table) {
  const h5::Handle space(H5Dget_space(table.get()), H5Sclose, "H5Dget_space");
  if (H5Sget_simple_extent_ndims(space.get()) != 1) throw Error(ExitCode::failure, "a table has one dimension");
  hsize_t rows = 0;
  h5::check(H5Sget_simple_extent_dims(space.get(), &rows, nullptr), "H5Sget_simple_extent_dims");
  return rows;
}

/// Writes `rows` behind those that are there.
template <class Row>
void extend(hid_t file, const char* path, const h5::Handle& type, const std::vector<Row>& rows) {
  if (rows.empty()) return;
  const auto table = open_table(file, path);
  const hsize_t first = rows_of(table);
  const hsize_t count = rows.size();
  const hsize_t total = first + count;
  h5::check(H5Dset_extent(table.get(), &total), "H5Dset_extent");
  const h5::Handle memory(H5Screate_simple(1, &count, nullptr), H5Sclose, "H5Screate_simple");
  const h5::Handle space(H5Dget_space(table.get()), H5Sclose, "H5Dget_space");
  h5::check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr), "H5Sselect_hyperslab");
  h5::check(H5Dwrite(table.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, rows.data()), "H5Dwrite");
}

/// Calls `take` with each row; texts are valid during the call.
template <class Row, class Take>
void read_rows(hid_t file, const char* path, const h5::Handle& type, Take&& take) {
  const auto table = open_table(file, path);
  const h5::Handle stored(H5Dget_type(table.get()), H5Tclose, "H5Dget_type");
  if (H5Tget_class(stored.get()) != H5T_COMPOUND) throw Error(ExitCode::failure, fmt::format("{} is no table", path));
  for (int i = 0; i < H5Tget_nmembers(type.get()); ++i) {
    char* name = H5Tget_member_name(type.get(), static_cast<unsigned>(i));
    const std::string column = name;
    H5free_memory(name);
    if (H5Tget_member_index(stored.get(), column.c_str()) < 0) {
      throw Error(ExitCode::failure, fmt::format("{} has no column {}", path, column));
    }
  }
  std::vector<Row> rows(rows_of(table));
  if (rows.empty()) return;
  h5::check(H5Dread(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), "H5Dread");
  for (const auto& row : rows) take(row);
  const h5::Handle space(H5Dget_space(table.get()), H5Sclose, "H5Dget_space");
  h5::check(H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, rows.data()), "H5Dvlen_reclaim");
}

SampleStatus status_of(const std::string& text) {
  for (const auto status : {SampleStatus::ok, SampleStatus::failed, SampleStatus::timed_out, SampleStatus::no_time}) {
    if (text == to_string(status)) return status;
  }
  throw Error(ExitCode::failure, fmt::format("{} has an unknown status", samples_path));
}

template <std::size_t size>
std::string text_of(const char (&text)[size]) {
  return {text, strnlen(text, size)};
}

}  // namespace

void create_study_tables(hid_t file) {
  create_table(file, samples_path, sample_type());
  h5::set_attribute(open_table(file, samples_path).get(), "units", std::string("s"));
  create_table(file, left_out_path, left_out_type());
}

std::int64_t table_rows(hid_t file, const char* path) {
  return static_cast<std::int64_t>(rows_of(open_table(file, path)));
}

void extend_samples(hid_t file, const std::vector<Sample>& samples) {
  std::vector<SampleRow> rows;
  for (auto i = static_cast<std::size_t>(table_rows(file, samples_path)); i < samples.size(); ++i) {
    const auto& sample = samples[i];
    const auto& phases = sample.phases;
    // Zeroes first: texts end with them, and no byte of memory goes to the file by chance.
    SampleRow row{};
    row.ranks = sample.layout.ranks;
    row.threads = sample.layout.threads;
    row.nodes = sample.layout.nodes;
    row.repeat = sample.repeat;
    row.order = sample.order;
    row.warmup = sample.warmup ? 1 : 0;
    row.wall_s = sample.wall_s;
    row.init_s = phases.init_s;
    row.plan_s = phases.plan_s;
    row.scatter_s = phases.scatter_s;
    row.compute_s = phases.compute_s;
    row.gather_s = phases.gather_s;
    row.write_s = phases.write_s;
    row.compute_mean_s = phases.compute_mean_s;
    row.serial_s = phases.serial_s;
    row.digest = sample.digest.c_str();
    to_string(sample.status).copy(row.status, sizeof row.status - 1);
    row.bound_ok = sample.bound_ok ? 1 : 0;
    sample.started.copy(row.started, sizeof row.started - 1);
    rows.push_back(row);
  }
  extend(file, samples_path, sample_type(), rows);
}

void extend_left_out(hid_t file, const std::vector<std::pair<Layout, std::string>>& left_out) {
  std::vector<LeftOutRow> rows;
  for (auto i = static_cast<std::size_t>(table_rows(file, left_out_path)); i < left_out.size(); ++i) {
    const auto& [layout, reason] = left_out[i];
    rows.push_back({layout.ranks, layout.threads, layout.nodes, reason.c_str()});
  }
  extend(file, left_out_path, left_out_type(), rows);
}

std::vector<Sample> read_samples(hid_t file) {
  std::vector<Sample> samples;
  read_rows<SampleRow>(file, samples_path, sample_type(), [&](const SampleRow& row) {
    Sample sample;
    sample.layout = {row.ranks, row.threads, row.nodes};
    sample.repeat = row.repeat;
    sample.order = row.order;
    sample.warmup = row.warmup != 0;
    sample.wall_s = row.wall_s;
    sample.phases = {row.init_s,   row.plan_s,  row.scatter_s,      row.compute_s,
                     row.gather_s, row.write_s, row.compute_mean_s, row.serial_s};
    sample.digest = row.digest == nullptr ? "" : row.digest;
    sample.status = status_of(text_of(row.status));
    sample.bound_ok = row.bound_ok != 0;
    sample.started = text_of(row.started);
    samples.push_back(sample);
  });
  return samples;
}

std::vector<std::pair<Layout, std::string>> read_left_out(hid_t file) {
  std::vector<std::pair<Layout, std::string>> left_out;
  read_rows<LeftOutRow>(file, left_out_path, left_out_type(), [&](const LeftOutRow& row) {
    left_out.emplace_back(Layout{row.ranks, row.threads, row.nodes}, row.reason == nullptr ? "" : row.reason);
  });
  return left_out;
}

}  // namespace paceline
