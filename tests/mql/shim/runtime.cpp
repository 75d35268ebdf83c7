// Clock, chance, errors, SHA-256, timer and the terminal's global variables.
#include <unistd.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>

#include "terminal.hpp"

namespace terminal {

Clock now;
std::uint64_t chance_state = 1;
Counters counters;
long timer_ms = 0;
std::string chart_symbol = "EURUSD";

namespace {

long nanoseconds(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

}  // namespace

long mono_us() { return nanoseconds(CLOCK_MONOTONIC) / 1'000 + now.jumped_ms * 1'000; }
long mono_ms() { return mono_us() / 1'000; }
long utc_ms() { return nanoseconds(CLOCK_REALTIME) / 1'000'000 + now.jumped_ms; }
long server_ms() { return utc_ms() + now.offset_ms; }

std::uint32_t chance() {
  chance_state = chance_state * 6364136223846793005UL + 1442695040888963407UL;
  return static_cast<std::uint32_t>(chance_state >> 33);
}

void say(char mark, const std::string &line) {
  counters.prints += mark == '>';
  std::printf("%c %s\n", mark, line.c_str());
  std::fflush(stdout);
}

std::string quoted(const std::string &text) {
  std::string out = "\"";
  for (char unit : text) {
    if (unit == '"' || unit == '\\') out += '\\';
    out += static_cast<unsigned char>(unit) < 32 ? ' ' : unit;
  }
  return out + '"';
}

}  // namespace terminal

namespace mql {

namespace {

int last_error = 0;
std::map<std::string, double> globals;

struct Sha256 {
  uint state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

  // Round constants from their definition: fractions of cube roots of the first 64 primes.
  static const uint *constants() {
    static uint made[64];
    if (made[0] == 0) {
      int count = 0;
      for (int n = 2; count < 64; ++n) {
        bool prime = true;
        for (int d = 2; d * d <= n; ++d) prime = prime && n % d != 0;
        long double root = cbrtl(n);
        if (prime) made[count++] = static_cast<uint>((root - floorl(root)) * 4294967296.0L);
      }
    }
    return made;
  }

  static uint turned(uint x, int by) { return x >> by | x << (32 - by); }

  void block(const uchar *bytes) {
    const uint *k = constants();
    uint w[64], v[8];
    for (int i = 0; i < 16; ++i)
      w[i] = uint{bytes[4 * i]} << 24 | uint{bytes[4 * i + 1]} << 16 | uint{bytes[4 * i + 2]} << 8 |
             bytes[4 * i + 3];
    for (int i = 16; i < 64; ++i) {
      uint a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + w[i - 7] +
             (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
    }
    std::copy(state, state + 8, v);
    for (int i = 0; i < 64; ++i) {
      uint s1 = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25);
      uint one = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
      uint s0 = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22);
      uint two = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      for (int j = 7; j > 0; --j) v[j] = v[j - 1];
      v[4] += one;
      v[0] = one + two;
    }
    for (int i = 0; i < 8; ++i) state[i] += v[i];
  }
};

std::vector<uchar> sha256(const Array<uchar> &data) {
  std::vector<uchar> padded(data.begin(), data.end());
  ulong bits = padded.size() * 8;
  padded.push_back(0x80);
  while (padded.size() % 64 != 56) padded.push_back(0);
  for (int i = 7; i >= 0; --i) padded.push_back(static_cast<uchar>(bits >> (8 * i)));
  Sha256 hash;
  for (std::size_t at = 0; at < padded.size(); at += 64) hash.block(&padded[at]);
  std::vector<uchar> out;
  for (uint word : hash.state)
    for (int i = 3; i >= 0; --i) out.push_back(static_cast<uchar>(word >> (8 * i)));
  return out;
}

}  // namespace

void fail(int code) { last_error = code; }
int GetLastError_kept() { return last_error; }
void ResetLastError() { last_error = 0; }
void SetUserError(ushort code) { last_error = 65536 + code; }

int GetLastError() {
#ifdef __MQL4__
  int code = last_error;  // MetaTrader 4 forgets it when asked
  last_error = 0;
  return code;
#else
  return last_error;
#endif
}

int CryptEncode(ENUM_CRYPT_METHOD method, const Array<uchar> &data, const Array<uchar> &,
                Array<uchar> &result) {
  if (method != CRYPT_HASH_SHA256) critical("CryptEncode: only SHA-256 is here", method, 0);
  auto hash = sha256(data);
  if (result.resize(static_cast<int>(hash.size())) < 0 && result.size() < 32) {
    fail(4006);
    return 0;
  }
  std::copy(hash.begin(), hash.end(), result.begin());
  return 32;
}

datetime TimeLocal() { return terminal::utc_ms() / 1'000 + 7'200; }  // a machine east of Greenwich
datetime TimeGMT() { return terminal::utc_ms() / 1'000; }
int TimeGMTOffset() { return -7'200; }
datetime TimeCurrent() {
  long newest = 0;
  for (auto &one : terminal::market)
    if (auto *tick = terminal::newest(one)) newest = std::max(newest, static_cast<long>(tick->time));
  return newest;
}
datetime TimeLocal(MqlDateTime &parts) { TimeToStruct(TimeLocal(), parts); return TimeLocal(); }
datetime TimeGMT(MqlDateTime &parts) { TimeToStruct(TimeGMT(), parts); return TimeGMT(); }
datetime TimeCurrent(MqlDateTime &parts) { TimeToStruct(TimeCurrent(), parts); return TimeCurrent(); }
#ifdef __MQL5__
datetime TimeTradeServer() { return terminal::server_ms() / 1'000; }
#endif
ulong GetTickCount64() {
  return static_cast<ulong>(terminal::mono_ms() + terminal::now.count_from);
}
uint GetTickCount() { return static_cast<uint>(GetTickCount64()); }
ulong GetMicrosecondCount() {
  static const long began = terminal::mono_us();
  return static_cast<ulong>(terminal::mono_us() - began);
}
void Sleep(int ms) { usleep(static_cast<useconds_t>(std::max(ms, 0)) * 1'000); }
int MathRand() { return static_cast<int>(terminal::chance() & 0x7FFF); }
void MathSrand(int seed) { terminal::chance_state = static_cast<std::uint64_t>(seed); }

bool EventSetMillisecondTimer(int ms) {
  if (ms <= 0) return false;
  terminal::timer_ms = std::max(ms, 10);  // what the terminal can do at best
  return true;
}
bool EventSetTimer(int seconds) { return EventSetMillisecondTimer(seconds * 1'000); }
void EventKillTimer() { terminal::timer_ms = 0; }

datetime GlobalVariableSet(const string &name, double value) {
  if (StringLen(name) > 63) return 0;
  globals[name.bytes()] = value;
  return TimeLocal();
}
double GlobalVariableGet(const string &name) {
  double value = 0;
  GlobalVariableGet(name, value);
  return value;
}
bool GlobalVariableGet(const string &name, double &value) {
  auto found = globals.find(name.bytes());
  if (found == globals.end()) {
    fail(4501);
    return false;
  }
  value = found->second;
  return true;
}
bool GlobalVariableCheck(const string &name) { return globals.count(name.bytes()) != 0; }
bool GlobalVariableTemp(const string &name) { return globals.emplace(name.bytes(), 0).second; }
bool GlobalVariableDel(const string &name) { return globals.erase(name.bytes()) != 0; }
bool GlobalVariableSetOnCondition(const string &name, double value, double check) {
  auto found = globals.find(name.bytes());
  if (found == globals.end() || found->second != check) return false;
  found->second = value;
  return true;
}
void GlobalVariablesFlush() {}

bool input_text(const char *name, std::string &text) {
  const char *found = std::getenv((std::string("MQL_INPUT_") + name).c_str());
  if (found != nullptr) text = found;
  return found != nullptr;
}

}  // namespace mql
