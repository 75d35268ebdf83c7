// Orders, positions and deals of the toy broker of MetaTrader 5. Shim only.
#pragma once
#include "api5.hpp"
#include "terminal.hpp"

namespace ledger {

struct Order {
  mql::ulong ticket = 0;
  std::string symbol, comment;
  long type = 0, state = 1, filling = 0, time_type = 0, expiration = 0, setup_ms = 0, done_ms = 0,
       magic = 0, position = 0, position_by = 0;
  double initial = 0, current = 0, price = 0, stop_limit = 0, sl = 0, tp = 0;
};
struct Position {
  mql::ulong ticket = 0;
  std::string symbol, comment;
  long type = 0, time_ms = 0, magic = 0;
  double volume = 0, price = 0, sl = 0, tp = 0;
};
struct Deal {
  mql::ulong ticket = 0, order = 0, position = 0;
  std::string symbol, comment;
  long type = 0, entry = 0, time_ms = 0, magic = 0;
  double volume = 0, price = 0;
  long shown_ms = 0;  // history has it from then on
};
extern std::map<mql::ulong, Order> orders, done;
extern std::map<mql::ulong, Position> positions;
extern std::map<mql::ulong, Deal> deals;

// What the broker answers to a request.
struct Answer {
  mql::uint retcode = 10006;
  std::string words;
  mql::ulong order = 0, deal = 0;
  double volume = 0, price = 0;
};
Answer send(const mql::MqlTradeRequest &request);
void first_leaves();  // the oldest order is cancelled elsewhere

}  // namespace ledger
