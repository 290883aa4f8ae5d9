#include "storage/memory_driver.hpp"

#include <algorithm>
#include <memory>

namespace paceline {

template <class Bytes, class Action>
void PagedMemory::for_each_page(std::int64_t at, Bytes bytes, Action&& action) {
  while (!bytes.empty()) {
    const auto first = at % page_bytes;
    const auto size = std::min(static_cast<std::size_t>(page_bytes - first), bytes.size());
    action(at / page_bytes, first, bytes.first(size));
    at += static_cast<std::int64_t>(size);
    bytes = bytes.subspan(size);
  }
}

void PagedMemory::write(std::int64_t at, std::span<const char> bytes) {
  for_each_page(at, bytes, [&](std::int64_t page, std::int64_t first, std::span<const char> part) {
    std::copy(part.begin(), part.end(), pages_[page].begin() + first);
  });
  size_ = std::max(size_, at + std::ssize(bytes));
}

void PagedMemory::read(std::int64_t at, std::span<char> bytes) const {
  for_each_page(at, bytes, [&](std::int64_t page, std::int64_t first, std::span<char> part) {
    const auto found = pages_.find(page);
    if (found == pages_.end()) {
      std::fill(part.begin(), part.end(), '\0');
    } else {
      std::copy_n(found->second.begin() + first, part.size(), part.begin());
    }
  });
}

namespace {

constexpr haddr_t largest_address = haddr_t{1} << 62;

/// What the property list holds.
struct Access {
  PagedMemory* memory;
};

/// HDF5 knows the first member only.
struct OpenFile {
  H5FD_t base{};
  PagedMemory* memory = nullptr;
  haddr_t end_of_allocation = 0;
};

OpenFile* of(H5FD_t* file) { return reinterpret_cast<OpenFile*>(file); }
const OpenFile* of(const H5FD_t* file) { return reinterpret_cast<const OpenFile*>(file); }

H5FD_t* open_memory(const char* /*name*/, unsigned flags, hid_t properties, haddr_t /*largest*/) {
  const auto* access = static_cast<const Access*>(H5Pget_driver_info(properties));
  if (access == nullptr) return nullptr;
  if ((flags & H5F_ACC_TRUNC) != 0) *access->memory = {};
  auto file = std::make_unique<OpenFile>();
  file->memory = access->memory;
  return &file.release()->base;
}

herr_t close_memory(H5FD_t* file) {
  delete of(file);
  return 0;
}

herr_t query(const H5FD_t* /*file*/, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_AGGREGATE_SMALLDATA |
           H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_allocation(const H5FD_t* file, H5FD_mem_t /*type*/) { return of(file)->end_of_allocation; }

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t /*type*/, haddr_t address) {
  of(file)->end_of_allocation = address;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t /*type*/) { return static_cast<haddr_t>(of(file)->memory->size()); }

herr_t read_memory(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*properties*/, haddr_t at, std::size_t size,
                   void* buffer) {
  of(file)->memory->read(static_cast<std::int64_t>(at), {static_cast<char*>(buffer), size});
  return 0;
}

herr_t write_memory(H5FD_t* file, H5FD_mem_t /*type*/, hid_t /*properties*/, haddr_t at, std::size_t size,
                    const void* buffer) {
  of(file)->memory->write(static_cast<std::int64_t>(at), {static_cast<const char*>(buffer), size});
  return 0;
}

herr_t truncate(H5FD_t* file, hid_t /*properties*/, hbool_t /*is_closing*/) {
  of(file)->memory->resize(static_cast<std::int64_t>(of(file)->end_of_allocation));
  return 0;
}

hid_t driver() {
  static const H5FD_class_t functions = [] {
    H5FD_class_t driver{};
#if H5_VERSION_GE(1, 13, 2)
    driver.version = H5FD_CLASS_VERSION;
    driver.value = static_cast<H5FD_class_value_t>(600);  // of those that are not registered
#endif
    driver.name = "paceline memory";
    driver.maxaddr = largest_address;
    driver.fc_degree = H5F_CLOSE_WEAK;
    driver.fapl_size = sizeof(Access);
    driver.open = open_memory;
    driver.close = close_memory;
    driver.query = query;
    driver.get_eoa = end_of_allocation;
    driver.set_eoa = set_end_of_allocation;
    driver.get_eof = end_of_file;
    driver.read = read_memory;
    driver.write = write_memory;
    driver.truncate = truncate;
    const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), driver.fl_map);
    return driver;
  }();
  static const hid_t id = H5FDregister(&functions);
  return id;
}

}  // namespace

h5::Handle access_in_memory(PagedMemory& memory) {
  auto list = h5::properties(H5P_FILE_ACCESS);
  const Access access{&memory};
  h5::check(H5Pset_driver(list.get(), driver(), &access), "H5Pset_driver");
  return list;
}

}  // namespace paceline
