// See tls.hpp. Opaque pointers and the functions' C signatures are all that is needed of OpenSSL.
#include "tls.hpp"

#include <dlfcn.h>
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <map>

namespace tls {

namespace {

template <class F>
F *of(const char *name) {
  static void *library = [] {
    void *one = dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL);
    return one ? one : dlopen("libssl.so", RTLD_NOW | RTLD_GLOBAL);
  }();
  void *found = library ? dlsym(library, name) : nullptr;
  if (found == nullptr) found = dlsym(RTLD_DEFAULT, name);
  if (found == nullptr) {
    std::fprintf(stderr, "no %s: install OpenSSL's libssl\n", name);
    std::abort();
  }
  return reinterpret_cast<F *>(found);
}

std::map<int, void *> sessions;

int after(void *session, int done) {
  int why = of<int(void *, int)>("SSL_get_error")(session, done);
  return why == 2 || why == 3 ? 0 : -1;  // SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE
}

std::string line(void *name) {
  char text[512] = "";
  of<char *(void *, char *, int)>("X509_NAME_oneline")(name, text, sizeof text);
  return text;
}

}  // namespace

bool begin(int socket, const std::string &host) {
  static void *context = of<void *(void *)>("SSL_CTX_new")(of<void *()>("TLS_client_method")());
  void *session = of<void *(void *)>("SSL_new")(context);
  of<int(void *, int)>("SSL_set_fd")(session, socket);
  if (host.find_first_not_of("0123456789.") != std::string::npos)
    of<long(void *, int, long, void *)>("SSL_ctrl")(session, 55, 0, const_cast<char *>(host.c_str()));
  if (of<int(void *)>("SSL_connect")(session) != 1) {
    of<void(void *)>("SSL_free")(session);
    return false;
  }
  fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  sessions[socket] = session;
  return true;
}

void end(int socket) {
  auto found = sessions.find(socket);
  if (found == sessions.end()) return;
  of<void(void *)>("SSL_free")(found->second);
  sessions.erase(found);
}

bool there(int socket) { return sessions.count(socket) != 0; }
bool waiting(int socket) { return of<int(void *)>("SSL_pending")(sessions[socket]) > 0; }

bool certificate(int socket, Certificate &shown) {
  if (!there(socket)) return false;
  void *one = of<void *(void *)>("SSL_get1_peer_certificate")(sessions[socket]);
  if (one == nullptr) return false;
  unsigned char digest[64];
  unsigned size = 0;
  of<int(void *, const void *, unsigned char *, unsigned *)>("X509_digest")(
      one, of<const void *()>("EVP_sha1")(), digest, &size);
  char pair[3];
  for (unsigned i = 0; i < size; ++i) {
    std::snprintf(pair, sizeof pair, "%02X", digest[i]);
    shown.thumbprint += pair;
  }
  shown.subject = line(of<void *(void *)>("X509_get_subject_name")(one));
  shown.issuer = line(of<void *(void *)>("X509_get_issuer_name")(one));
  shown.expiration = 2'000'000'000;
  of<void(void *)>("X509_free")(one);
  return true;
}

int write(int socket, const unsigned char *bytes, int size) {
  void *session = sessions[socket];
  int done = of<int(void *, const void *, int)>("SSL_write")(session, bytes, size);
  return done > 0 ? done : after(session, done);
}

int read(int socket, unsigned char *bytes, int size) {
  void *session = sessions[socket];
  int done = of<int(void *, void *, int)>("SSL_read")(session, bytes, size);
  return done > 0 ? done : after(session, done);
}

}  // namespace tls
