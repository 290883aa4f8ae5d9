#include <paceline/domain.hpp>

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "library/sync/core.hpp"

namespace paceline {
namespace {

using Cached = std::weak_ptr<sync::Core>;

int key_of_domains() {
  static const int key = [] {
    int made = MPI_KEYVAL_INVALID;
    const auto drop = [](MPI_Comm, int, void* cached, void*) {
      delete static_cast<Cached*>(cached);
      return MPI_SUCCESS;
    };
    check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, drop, &made, nullptr), "MPI_Comm_create_keyval");
    return made;
  }();
  return key;
}

}  // namespace

Domain::Domain(const Comm& comm) {
  // MPI keeps what a library knows of a communicator with the communicator (MPI 3.1, 6.7). All ranks make and drop
  // domains collectively, so that they agree whether there is one.
  void* found = nullptr;
  int is_there = 0;
  check_mpi(MPI_Comm_get_attr(comm.handle(), key_of_domains(), &found, &is_there), "MPI_Comm_get_attr");
  if (is_there != 0) core_ = static_cast<Cached*>(found)->lock();
  if (core_) return;
  core_ = std::make_shared<sync::Core>(comm, comm.split_node(), DomainOptions());
  check_mpi(MPI_Comm_set_attr(comm.handle(), key_of_domains(), new Cached(core_)), "MPI_Comm_set_attr");
}

Domain::Domain(const Comm& comm, const DomainOptions& options) : Domain(comm, comm.split_node(), options) {}

Domain::Domain(const Comm& comm, const Comm& node, const DomainOptions& options)
    : core_(std::make_shared<sync::Core>(comm, node, options)) {}

const Comm& Domain::comm() const { return core_->comm(); }

bool Domain::is_home() const { return core_->is_home(); }

namespace sync {

namespace {

/// This rank's parts of all objects.
struct Objects {
  std::mutex mutex;
  std::map<SharedObject::Identity, SharedObject*> all;
};
Objects& objects() {
  static Objects objects;
  return objects;
}

}  // namespace

SharedObject::SharedObject(const Domain& domain, Kind kind, std::string name, const Start& start)
    : core_(domain.core()), name_(std::move(name)), kind_(kind) {
  id_ = core_->create(kind, name_, start);
  if (core_->is_home()) state_ = &core_->state(id_);
  const std::lock_guard lock(objects().mutex);
  objects().all[identity()] = this;
}

SharedObject::~SharedObject() {
  {
    const std::lock_guard lock(objects().mutex);
    objects().all.erase(identity());
  }
  core_->destroy(id_);
}

SharedObject::Identity SharedObject::identity() const { return {core_->key(), id_, kind_}; }

SharedObject& SharedObject::find(const Identity& identity) {
  const std::lock_guard lock(objects().mutex);
  const auto found = objects().all.find(identity);
  if (found == objects().all.end()) {
    throw Error(ErrorKind::failure,
                fmt::format("this rank has no part of the {} of its task", type_of(identity.kind).name()),
                "it was destroyed, or this rank is not of its communicator", "make shared objects before the pool");
  }
  return *found->second;
}

}  // namespace sync
}  // namespace paceline
