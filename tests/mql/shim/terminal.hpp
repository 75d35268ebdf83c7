// The inside of the toy terminal: clock, market, events, faults, counters. Shim only, no Expert.
#pragma once
#include <deque>
#include <map>
#include <vector>

#include "common.hpp"

namespace terminal {

// ---- what it says on stdout: '>' print of the Expert, '=' answer, '!' event ----
void say(char mark, const std::string &line);
std::string quoted(const std::string &text);

// ---- clock: real time plus what was jumped over; ms unless said otherwise ----
struct Clock {
  long jumped_ms = 0;
  long offset_ms = 3 * 3'600'000;  // the server's time less UTC
  long step_ms = 0;                // how far it jumps when no connection is open; 0: real time only
  long count_from = 0;             // what GetTickCount began with
};
extern Clock now;
long mono_ms();
long mono_us();
long utc_ms();
long server_ms();

// ---- market ----
struct Listed {
  std::string name;
  int digits = 5;
  double point = 0.00001, contract = 100000, tick_value = 1;
  double volume_min = 0.01, volume_max = 100, volume_step = 0.01;
  long filling = 3, execution = 2, mode = 4, stops = 0, freeze = 0;
  std::vector<mql::MqlTick> ticks;
  long bar = 0, bar_volume = 0;  // MetaTrader 4: this minute and its tick volume
  long broken_copies = 0;        // so many CopyTicks fail from now on
  long late_copies = 0;          // so many bring their newer half alone: the rest still loads
  bool selected = true;
};
extern std::vector<Listed> market;
extern long history_from_ms;  // the terminal remembers no tick before
Listed *listed(const std::string &name);
const mql::MqlTick *newest(const Listed &one);
void tick(Listed &one, double bid, double ask);
void walk(Listed &one, long count);
extern long bar_by_hand;       // the minute of new ticks when bars are turned by hand, 0: the clock's
// Ticks that come: up to `at_once` between two events and, unless `still`, before each call that looks.
struct Stream { long left = 0, at_once = 0, still = 0; };
extern Stream stream;
void market_moves(bool between_events = false);
std::uint32_t chance();
extern std::uint64_t chance_state;

// ---- the Expert's events: one queue; a tick and a timer are not queued twice ----
enum Event { NEW_TICK, TIMER, TRANSACTION, EVENTS };
void raise(Event event);
extern long timer_ms;
extern std::string chart_symbol;
bool stopping();
[[noreturn]] void remove_expert();
struct Died { bool again; };  // thrown through the Expert: it is taken out, and put in again

// ---- the account and what is wrong next ----
struct Account {
  long login = 51001234;
  std::string server = "Broker-Demo", company = "Simulated Markets Ltd", currency = "USD";
  bool hedging = false, connected = true, algo = true, expert_allowed = true, trade_allowed = true;
  long leverage = 100, build = 5000;
  double balance = 10000;
};
extern Account account;
struct Fault { std::string kind; long percent = 50; long code = 0; };
// So many HistorySelect fail; so often the first order leaves just before the second is read.
extern long broken_histories, slips;
extern long late_ms;  // so long history does not show what was done
extern std::deque<Fault> faults;
// Returns the next fault when it is of these kinds (words with spaces between), and forgets it.
bool take(const char *kinds, Fault &fault);
struct Counters {
  long order_sends = 0;  // calls that trade, whatever came of them
  long opens = 0;        // those that may open or close a position
  long dials = 0, events[EVENTS] = {}, lost_events[EVENTS] = {}, prints = 0;
};
extern Counters counters;

// ---- sockets of either kind ----
extern bool quirks, allowed_address;
int open_sockets();
void close_sockets();
void cut_sockets();
std::vector<int> socket_numbers();

}  // namespace terminal

// The trading of one dialect: trade5 or trade4.
namespace trading {
void market_moved(const terminal::Listed &one);
bool command(const std::vector<std::string> &words);  // returns whether it was one
std::string report();
void deliver(void *entry);  // one transaction to OnTradeTransaction
}  // namespace trading
