// Windows' sockets as the Expert imports them, over POSIX; the numbers are Windows'.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "sockets.hpp"
#include "terminal.hpp"

namespace mql {

namespace {

int last = 0;
constexpr int NOT_SOCKET = 10038, FAULT = 10014, WOULD_BLOCK = 10035, REFUSED = 10061, RESET = 10054;

int failed(int code) {
  last = code;
  return -1;
}

int reason() {
  bool waits = errno == EAGAIN || errno == EWOULDBLOCK;
  return failed(waits ? WOULD_BLOCK : errno == ECONNREFUSED ? REFUSED : RESET);
}

bool known(int handle) { return terminal::socket_known(handle) || failed(NOT_SOCKET) == 0; }

}  // namespace

int WSAStartup(int version, Array<uchar> &data) {
  return version != 514 || data.size() < 400 ? FAULT : 0;
}
int WSACleanup() { return 0; }

// The terminal's own work between two calls may have overwritten it: quirks forget it at times.
int WSAGetLastError() { return terminal::quirks && terminal::chance() % 8 == 0 ? 0 : last; }

int socket(int family, int type, int protocol) {
  bool tcp = family == 2 && type == 1 && (protocol == 6 || protocol == 0);
  return tcp ? terminal::socket_open() : failed(FAULT);
}

int connect(int handle, Array<uchar> &address, int length) {
  if (!known(handle)) return -1;
  if (length != 16 || address.size() < 16 || address[0] != 2) return failed(FAULT);
  std::uint32_t to;
  std::memcpy(&to, address.begin() + 4, 4);
  return terminal::socket_dial(handle, to, address[2] * 256 + address[3]) == 0 ? 0 : reason();
}

int ioctlsocket(int handle, int command, int &argument) {
  if (!known(handle)) return -1;
  if (static_cast<uint>(command) != 0x8004667Eu) return failed(FAULT);
  int flags = fcntl(handle, F_GETFL);
  fcntl(handle, F_SETFL, argument ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
  return 0;
}

int setsockopt(int handle, int level, int option, int &value, int length) {
  bool right = level == 6 && option == 1 && length == 4 && value == 1;
  return known(handle) && right ? 0 : failed(FAULT);
}

int recv(int handle, Array<uchar> &buffer, int length, int flags) {
  if (!known(handle)) return -1;
  if (length > buffer.size()) critical("recv: more than the array holds", length, buffer.size());
  if (terminal::quirks && length > 1) length = 1 + static_cast<int>(terminal::chance() % static_cast<uint>(length));
  auto count = ::recv(handle, buffer.begin(), static_cast<std::size_t>(length), flags);
  return count >= 0 ? static_cast<int>(count) : reason();
}

int send(int handle, Array<uchar> &buffer, int length, int flags) {
  if (!known(handle)) return -1;
  if (length > buffer.size()) critical("send: more than the array holds", length, buffer.size());
  if (terminal::quirks && length > 1) length = 1 + static_cast<int>(terminal::chance() % static_cast<uint>(length));
  auto count = ::send(handle, buffer.begin(), static_cast<std::size_t>(length), flags | MSG_NOSIGNAL);
  return count >= 0 ? static_cast<int>(count) : reason();
}

int closesocket(int handle) { return terminal::socket_close(handle) ? 0 : failed(NOT_SOCKET); }

}  // namespace mql
