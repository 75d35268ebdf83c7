// POSIX sockets of the Expert, in the order it opened them, and how quirks make them behave.
#include "sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "terminal.hpp"

namespace terminal {

bool quirks = false, allowed_address = true;

namespace {
std::set<int> opened;
}

int open_sockets() { return static_cast<int>(opened.size()); }
std::vector<int> socket_numbers() { return {opened.begin(), opened.end()}; }

void close_sockets() {
  while (!opened.empty()) socket_close(*opened.begin());
}

void cut_sockets() {
  for (int one : opened) shutdown(one, SHUT_RDWR);
}

int socket_open() {
  int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int at_once = now.step_ms > 0;  // where no time is to be lost, none is waited for acknowledgements
  setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (one >= 0) opened.insert(one);
  return one;
}

bool socket_known(int one) { return opened.count(one) != 0; }

bool socket_close(int one) {
  if (opened.erase(one) == 0) return false;
  close(one);
  return true;
}

int socket_dial(int one, std::uint32_t address, int port) {
  ++counters.dials;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = address;
  return connect(one, reinterpret_cast<sockaddr *>(&to), sizeof to);
}

bool socket_wait(int one, int ms, bool for_write) {
  pollfd at{one, static_cast<short>(for_write ? POLLOUT : POLLIN), 0};
  return poll(&at, 1, ms) > 0;
}

int socket_waiting(int one) {
  int count = 0;
  return ioctl(one, FIONREAD, &count) == 0 ? count : 0;
}

// Ended by the other side: readable, and nothing is there.
bool socket_ended(int one) {
  char byte;
  auto got = recv(one, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

}  // namespace terminal
