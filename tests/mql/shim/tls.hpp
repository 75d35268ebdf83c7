// TLS of a client by the OpenSSL library of the system, loaded when it is first wanted. Shim only.
#pragma once
#include <string>

namespace tls {

struct Certificate { std::string subject, issuer, serial, thumbprint; long expiration = 0; };
bool begin(int socket, const std::string &host);
void end(int socket);
bool there(int socket);
bool waiting(int socket);
bool certificate(int socket, Certificate &shown);
int write(int socket, const unsigned char *bytes, int size);  // -1: broken
int read(int socket, unsigned char *bytes, int size);         // 0: nothing yet, -1: broken
}  // namespace tls
