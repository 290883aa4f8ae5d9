#include <paceline/pool.hpp>

#include <exception>

#include "library/pool/driver.hpp"
#include "library/pool/follower.hpp"
#include "library/pool/rank.hpp"

namespace paceline {

struct Pool::Rank {
  std::unique_ptr<detail::Driver> driver;
  std::unique_ptr<detail::Follower> follower;
  int exceptions_at_start = std::uncaught_exceptions();
};

Pool::Pool(const Comm& comm, const PoolOptions& options) : rank_(std::make_unique<Rank>()) {
  auto members = detail::introduce(comm, options);
  if (comm.rank() == 0) {
    rank_->driver = std::make_unique<detail::Driver>(std::move(members));
    queue_ = rank_->driver.get();
  } else {
    rank_->follower = std::make_unique<detail::Follower>(std::move(members));
    queue_ = rank_->follower.get();
  }
}

Pool::~Pool() {
  const bool is_unwinding = std::uncaught_exceptions() > rank_->exceptions_at_start;
  if (rank_->follower && is_unwinding) {
    rank_->follower->desert();
    leave_unfinalised();
    (void)rank_->follower.release();
  }
}

bool Pool::is_driver() const { return rank_->driver != nullptr; }

}  // namespace paceline
