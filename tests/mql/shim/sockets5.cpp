// Socket* of MQL5; TLS by the system's OpenSSL.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>

#include "api5.hpp"
#include "sockets.hpp"
#include "terminal.hpp"
#include "tls.hpp"

namespace mql {

namespace {

constexpr int INVALID_HANDLE_CODE = 5270, CONNECT_FAILED = 5272, IO_ERROR = 5273,
              HANDSHAKE_FAILED = 5274, NOT_ALLOWED = 4014;
std::map<int, int> send_ms, receive_ms;

bool known(int socket) {
  bool there = terminal::socket_known(socket);
  if (!there) fail(INVALID_HANDLE_CODE);
  return there;
}

int broken(int socket) {
  tls::end(socket);
  terminal::socket_close(socket);
  fail(IO_ERROR);
  return -1;
}

// Sends what goes at once, at least a byte, or nothing when it does not within the timeout.
int sent(int socket, const Array<uchar> &bytes, uint size) {
  if (size > static_cast<uint>(bytes.size())) critical("SocketSend: more than the array holds", size, bytes.size());
  if (terminal::quirks && size > 1) size = 1 + terminal::chance() % size;
  int wait_ms = send_ms.count(socket) ? send_ms[socket] : 1'000;
  if (!terminal::socket_wait(socket, wait_ms, true)) return 0;
  auto count = send(socket, bytes.begin(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return static_cast<int>(count);
  return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : broken(socket);
}

}  // namespace

int SocketCreate(uint) {
  int one = terminal::socket_open();
  return one < 0 ? INVALID_HANDLE : one;
}

bool SocketClose(int socket) {
  if (!known(socket)) return false;
  tls::end(socket);
  return terminal::socket_close(socket);
}

bool SocketConnect(int socket, const string &server, uint port, uint) {
  if (!known(socket)) return false;
  if (!terminal::allowed_address) {
    ++terminal::counters.dials;
    fail(NOT_ALLOWED);
    return false;
  }
  std::string host = server.bytes() == "localhost" ? "127.0.0.1" : server.bytes();
  in_addr address{};
  bool right = inet_aton(host.c_str(), &address) != 0;
  if (right && terminal::socket_dial(socket, address.s_addr, static_cast<int>(port)) == 0) return true;
  fail(CONNECT_FAILED);
  return false;
}

// Says what the terminal last knew: a peer that has closed shows at the next read alone.
bool SocketIsConnected(int socket) {
  return terminal::socket_known(socket) && !(terminal::socket_ended(socket) && !terminal::quirks);
}

uint SocketIsReadable(int socket) {
  if (!known(socket)) return 0;
  if (tls::there(socket)) return tls::waiting(socket) || terminal::socket_waiting(socket);
  auto count = static_cast<uint>(terminal::socket_waiting(socket));
  bool looks_so = terminal::quirks || terminal::socket_ended(socket);
  return count == 0 && looks_so ? 1 : count;
}

bool SocketIsWritable(int socket) { return known(socket) && terminal::socket_wait(socket, 0, true); }

bool SocketTimeouts(int socket, uint sends, uint receives) {
  if (!known(socket)) return false;
  send_ms[socket] = static_cast<int>(sends);
  receive_ms[socket] = static_cast<int>(receives);
  return true;
}

// Blocks for its timeout, 0 meaning 120 s; quirks: until all that was asked for is there.
int SocketRead(int socket, Array<uchar> &bytes, uint most, uint timeout_ms) {
  if (!known(socket)) return -1;
  if (tls::there(socket)) critical("SocketRead on a TLS socket", 0, 0);
  if (static_cast<int>(most) > bytes.size()) bytes.resize(static_cast<int>(most));
  if (static_cast<int>(most) > bytes.size()) critical("SocketRead: the array is too small", most, bytes.size());
  long until = terminal::mono_ms() + (timeout_ms == 0 ? 120'000 : timeout_ms);
  uint got = 0;
  while (got < most) {
    long left = std::max(until - terminal::mono_ms(), 0L);
    if (!terminal::socket_wait(socket, static_cast<int>(left), false)) break;
    auto count = recv(socket, bytes.begin() + got, most - got, MSG_DONTWAIT);
    if (count <= 0) return got > 0 ? static_cast<int>(got) : broken(socket);
    got += static_cast<uint>(count);
    if (!terminal::quirks) break;
  }
  if (got > 0) return static_cast<int>(got);
  ResetLastError();
  return -1;
}

int SocketSend(int socket, const Array<uchar> &bytes, uint size) {
  if (!known(socket)) return -1;
  if (tls::there(socket)) critical("SocketSend on a TLS socket", 0, 0);
  return sent(socket, bytes, size);
}

bool SocketTlsHandshake(int socket, const string &host) {
  if (!known(socket)) return false;
  if (tls::begin(socket, host.bytes())) return true;
  broken(socket);
  fail(HANDSHAKE_FAILED);
  return false;
}

bool SocketTlsCertificate(int socket, string &subject, string &issuer, string &serial,
                          string &thumbprint, datetime &expiration) {
  tls::Certificate shown;
  if (!known(socket) || !tls::certificate(socket, shown)) return false;
  subject = shown.subject, issuer = shown.issuer, serial = shown.serial;
  thumbprint = shown.thumbprint, expiration = shown.expiration;
  return true;
}

int SocketTlsSend(int socket, const Array<uchar> &bytes, uint size) {
  if (!known(socket) || !tls::there(socket)) return -1;
  if (size > static_cast<uint>(bytes.size())) critical("SocketTlsSend: more than the array holds", size, bytes.size());
  int count = tls::write(socket, bytes.begin(), static_cast<int>(size));
  return count < 0 ? broken(socket) : count;
}

int SocketTlsRead(int socket, Array<uchar> &bytes, uint most) {
  if (!known(socket) || !tls::there(socket)) return -1;
  if (!tls::waiting(socket)) terminal::socket_wait(socket, 120'000, false);
  return SocketTlsReadAvailable(socket, bytes, most);
}

int SocketTlsReadAvailable(int socket, Array<uchar> &bytes, const uint most) {
  if (!known(socket) || !tls::there(socket)) return -1;
  if (static_cast<int>(most) > bytes.size()) bytes.resize(static_cast<int>(most));
  int count = tls::read(socket, bytes.begin(), std::min(static_cast<int>(most), bytes.size()));
  return count < 0 ? broken(socket) : count;
}

}  // namespace mql
