#include "engine/heartbeat.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>

namespace paceline {
namespace {

struct Datagram {
  std::uint64_t key;
  std::uint32_t place;
  std::uint32_t word;
};

/// IPv4 addresses of this node's networks; its own loop only where it has no other.
std::vector<in_addr_t> own_addresses() {
  std::vector<in_addr_t> networks, loops;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, freeifaddrs);
  for (const auto* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET || (entry->ifa_flags & IFF_UP) == 0) {
      continue;
    }
    const auto address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr.s_addr;
    ((entry->ifa_flags & IFF_LOOPBACK) != 0 ? loops : networks).push_back(address);
  }
  return networks.empty() ? loops : networks;
}

/// A socket at any free port, and that port in network order; -1 when there is none.
std::pair<int, in_port_t> open_socket() {
  const int handle = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (handle < 0) return {-1, 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(handle, generic, length) == 0 && getsockname(handle, generic, &length) == 0) {
    return {handle, address.sin_port};
  }
  close(handle);
  return {-1, 0};
}

}  // namespace

Heartbeat::Heartbeat(const Comm& world, const Comm& node, double limit_s)
    : interval_s_(std::min(1.0, limit_s / 10)), sent_s_(-interval_s_), silence_(1, limit_s) {
  const bool is_leader = node.rank() == 0;
  in_port_t port = 0;
  if (is_leader) std::tie(socket_, port) = open_socket();

  // First the key, the rank, and the port; then the addresses. Only leaders bring any.
  std::vector<std::uint64_t> mine;
  if (is_leader) {
    std::random_device random;
    mine = {std::uint64_t{random()} << 32 | random(), static_cast<std::uint64_t>(world.rank()), port};
    for (const auto address : own_addresses()) mine.push_back(address);
  }
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  const auto hosts = world.gather_all_text(is_leader ? host : "");
  const auto all = world.gather_all(mine);
  std::vector<Node> nodes;
  for (std::size_t r = 0; r < all.size(); ++r) {
    const auto& words = all[r];
    if (words.empty()) continue;
    if (nodes.empty()) key_ = words[0];
    if (static_cast<int>(r) == world.rank()) place_ = static_cast<std::uint32_t>(nodes.size());
    auto& found = nodes.emplace_back(Node{static_cast<int>(words[1]), hosts[r], {}});
    for (std::size_t k = 3; k < words.size(); ++k) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = static_cast<in_port_t>(words[2]);
      address.sin_addr.s_addr = static_cast<in_addr_t>(words[k]);
      found.addresses.push_back(address);
    }
  }
  if (nodes.size() > 1 && socket_ >= 0) {
    const auto count = static_cast<std::uint32_t>(nodes.size());
    place_before_ = (place_ + count - 1) % count;
    before_ = nodes[place_before_];
    next_ = nodes[(place_ + 1) % count];
  } else if (socket_ >= 0) {
    close(socket_);
    socket_ = -1;
  }
}

Heartbeat::~Heartbeat() {
  if (socket_ >= 0) close(socket_);
}

void Heartbeat::send(Word word) const {
  const Datagram datagram{key_, place_, static_cast<std::uint32_t>(word)};
  // A node may have several networks, and which of them this one reaches is not known. A failed send is not an alarm
  // of ours: the next node hears nothing.
  for (const auto& address : next_.addresses) {
    sendto(socket_, &datagram, sizeof datagram, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&address),
           sizeof address);
  }
}

void Heartbeat::beat() {
  if (socket_ < 0) return;
  if (clock_.seconds() - sent_s_ >= interval_s_) {
    sent_s_ = clock_.seconds();
    send(Word::alive);
  }
  Datagram datagram{};
  while (recv(socket_, &datagram, sizeof datagram, MSG_DONTWAIT) == sizeof datagram) {
    if (datagram.key != key_ || datagram.place != place_before_) continue;
    // Datagrams overtake each other: who has left does not come back.
    if (has_left_) continue;
    has_left_ = datagram.word == static_cast<std::uint32_t>(Word::leaving);
    is_heard_ = !has_left_;
    was_heard_ = true;
    silence_.hear(0);
  }
  silence_.look();
}

void Heartbeat::leave() {
  if (socket_ < 0) return;
  // Any one of them may be lost.
  for (int i = 0; i < 3; ++i) send(Word::leaving);
}

}  // namespace paceline
