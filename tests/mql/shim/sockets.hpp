// Sockets of the Expert below both dialects' own functions. Shim only.
#pragma once
#include <cstdint>

namespace terminal {

int socket_open();
bool socket_known(int one);
bool socket_close(int one);
int socket_dial(int one, std::uint32_t address, int port);
bool socket_wait(int one, int ms, bool for_write);
int socket_waiting(int one);
bool socket_ended(int one);

}  // namespace terminal
