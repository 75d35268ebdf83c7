// The market of the toy terminal: symbols, ticks, the minute's tick volume, CopyTicks.
#include "terminal.hpp"
#ifdef __MQL5__
#include "api5.hpp"
#endif

namespace terminal {

std::vector<Listed> market;
long history_from_ms = 0, bar_by_hand = 0;
Stream stream;

Listed *listed(const std::string &name) {
  for (auto &one : market)
    if (one.name == name) return &one;
  return nullptr;
}

const mql::MqlTick *newest(const Listed &one) {
  return one.ticks.empty() ? nullptr : &one.ticks.back();
}

void tick(Listed &one, double bid, double ask) {
  long now = server_ms();
  if (auto *last = newest(one)) now = std::max(now, last->time_msc);
  one.ticks.push_back({now / 1'000, bid, ask, 0, 0, now, 6, 0});
  long minute = bar_by_hand ? bar_by_hand : now / 60'000;
  if (minute != one.bar) one.bar = minute, one.bar_volume = 0;
  ++one.bar_volume;
  trading::market_moved(one);
  if (one.name == chart_symbol) raise(NEW_TICK);
}

void walk(Listed &one, long count) {
  auto *last = newest(one);
  double scale = std::round(1 / one.point);
  long bid = last ? std::lround(last->bid * scale) : 117'000;
  for (; count > 0; --count) {
    bid = std::max(bid + static_cast<long>(chance() % 5) - 2, 1'000L);
    tick(one, static_cast<double>(bid) / scale,
         static_cast<double>(bid + 2 + chance() % 4) / scale);
  }
}

void market_moves(bool between_events) {
  if (stream.left == 0 || (stream.still && !between_events)) return;
  long count = std::min<long>(stream.left, chance() % (static_cast<std::uint64_t>(stream.at_once) + 1));
  stream.left -= count;
  for (; count > 0; --count) walk(market[chance() % market.size()], 1);
}

}  // namespace terminal

namespace mql {

using namespace terminal;

string Symbol() { return string(chart_symbol); }
ENUM_TIMEFRAMES Period() { return PERIOD_H1; }
int SymbolsTotal(bool) { return static_cast<int>(market.size()); }
string SymbolName(int at, bool) {
  bool there = at >= 0 && at < SymbolsTotal(false);
  return there ? string(market[static_cast<std::size_t>(at)].name) : string("");
}

bool SymbolSelect(const string &symbol, bool select) {
  auto *one = listed(symbol.bytes());
  if (one != nullptr) one->selected = select;
  else fail(4301);
  return one != nullptr;
}

bool SymbolInfoTick(const string &symbol, MqlTick &tick) {
  market_moves();
  auto *one = listed(symbol.bytes());
  if (one == nullptr || !one->selected || one->ticks.empty()) {
    fail(4301);
    return false;
  }
  tick = one->ticks.back();
  return true;
}

bool RefreshRates() {
  market_moves();
  return true;
}

long iVolume(const string &symbol, int, int shift) {
  market_moves();
  auto *one = listed(symbol.bytes());
  return one == nullptr || shift != 0 ? 0 : one->bar_volume;
}

datetime iTime(const string &symbol, int, int shift) {
  auto *one = listed(symbol.bytes());
  return one == nullptr || shift != 0 ? 0 : one->bar * 60;
}

int iBars(const string &symbol, int) { return listed(symbol.bytes()) != nullptr; }

#ifdef __MQL5__
int CopyTicks(const string &symbol, Array<MqlTick> &ticks, uint, ulong from, uint count) {
  market_moves();
  auto *one = listed(symbol.bytes());
  if (one == nullptr || !one->selected) {
    fail(4301);
    return -1;
  }
  if (one->broken_copies > 0) {
    --one->broken_copies;
    fail(4403);
    return -1;
  }
  const auto &all = one->ticks;
  auto first = std::lower_bound(all.begin(), all.end(), std::max(static_cast<long>(from), history_from_ms),
                                [](const MqlTick &a, long time) { return a.time_msc < time; });
  long left = all.end() - first;
  long size = std::min<long>(left, count == 0 ? 2'000 : count);
  if (from == 0) first = all.end() - size;
  if (one->late_copies > 0) {
    --one->late_copies;
    first += size / 2, size -= size / 2;
    fail(4403);
  }
  ticks.resize(static_cast<int>(size));
  std::copy(first, first + size, ticks.begin());
  return static_cast<int>(size);
}

int CopyTicksRange(const string &symbol, Array<MqlTick> &ticks, uint flags, ulong from, ulong to) {
  int size = CopyTicks(symbol, ticks, flags, std::max(from, 1UL), 1u << 30);
  while (size > 0 && to != 0 && static_cast<ulong>(ticks[size - 1].time_msc) > to) --size;
  if (size >= 0) ticks.resize(size);
  return size;
}
#endif

}  // namespace mql
