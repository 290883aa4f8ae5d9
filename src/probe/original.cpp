#include "probe/original.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace paceline::probe {

namespace {

/// In a library that Python, say, has loaded for itself, and that therefore is not among the next ones. In its own view
/// we come first.
void* look_everywhere(const char* name) {
  void* program = dlopen(nullptr, RTLD_LAZY);
  link_map* object = nullptr;
  if (program == nullptr || dlinfo(program, RTLD_DI_LINKMAP, &object) != 0) return nullptr;
  Dl_info own{};
  dladdr(reinterpret_cast<void*>(&look_for_original), &own);
  void* found = nullptr;
  for (; object != nullptr && found == nullptr; object = object->l_next) {
    if (object->l_name == nullptr || *object->l_name == '\0') continue;
    void* library = dlopen(object->l_name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    void* address = dlsym(library, name);
    Dl_info info{};
    if (address != nullptr && dladdr(address, &info) != 0 && info.dli_fbase != own.dli_fbase) found = address;
    dlclose(library);
  }
  dlclose(program);
  return found;
}

}  // namespace

void* look_for_original(const char* name) {
  void* next = dlsym(RTLD_NEXT, name);
  return next != nullptr ? next : look_everywhere(name);
}

void* look_for_variable(const char* name) {
  void* first = dlsym(RTLD_DEFAULT, name);
  return first != nullptr ? first : look_everywhere(name);
}

void* find_original(const char* name) {
  void* found = look_for_original(name);
  if (found == nullptr) {
    std::fprintf(stderr, "paceline: error: the probe can't find %s (no library has it); run without the probe\n", name);
    std::abort();
  }
  return found;
}

}  // namespace paceline::probe
