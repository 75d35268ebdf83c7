// OrderSend and the lists of MQL5, over the toy broker's ledger.
#include "ledger5.hpp"

namespace mql {

namespace {

const ledger::Order *order = nullptr;
ledger::Order order_copy;
ledger::Position position;
std::vector<ulong> chosen_deals, chosen_orders;

template <class M>
ulong nth(const M &of, int at) {
  if (at < 0 || static_cast<std::size_t>(at) >= of.size()) return 0;
  return std::next(of.begin(), at)->first;
}

const ledger::Order *done_order(ulong ticket) {
  auto found = ledger::done.find(ticket);
  return found == ledger::done.end() ? nullptr : &found->second;
}

const ledger::Deal *known(ulong ticket) {
  auto found = ledger::deals.find(ticket);
  bool shown = found != ledger::deals.end() && found->second.shown_ms <= terminal::mono_ms();
  return shown ? &found->second : nullptr;
}

long integer(const ledger::Order &one, ENUM_ORDER_PROPERTY_INTEGER what) {
  switch (what) {
    case ORDER_TICKET: return static_cast<long>(one.ticket);
    case ORDER_TIME_SETUP: return one.setup_ms / 1'000;
    case ORDER_TYPE: return one.type;
    case ORDER_STATE: return one.state;
    case ORDER_TIME_EXPIRATION: return one.expiration;
    case ORDER_TIME_DONE: return one.done_ms / 1'000;
    case ORDER_TIME_SETUP_MSC: return one.setup_ms;
    case ORDER_TIME_DONE_MSC: return one.done_ms;
    case ORDER_TYPE_FILLING: return one.filling;
    case ORDER_TYPE_TIME: return one.time_type;
    case ORDER_MAGIC: return one.magic;
    case ORDER_REASON: return 0;
    case ORDER_POSITION_ID: return one.position;
    case ORDER_POSITION_BY_ID: return one.position_by;
  }
  return 0;
}

double number(const ledger::Order &one, ENUM_ORDER_PROPERTY_DOUBLE what) {
  switch (what) {
    case ORDER_VOLUME_INITIAL: return one.initial;
    case ORDER_VOLUME_CURRENT: return one.current;
    case ORDER_PRICE_OPEN: case ORDER_PRICE_CURRENT: return one.price;
    case ORDER_SL: return one.sl;
    case ORDER_TP: return one.tp;
    case ORDER_PRICE_STOPLIMIT: return one.stop_limit;
  }
  return 0;
}

string text(const ledger::Order &one, ENUM_ORDER_PROPERTY_STRING what) {
  return string(what == ORDER_SYMBOL ? one.symbol : what == ORDER_COMMENT ? one.comment : "");
}

}  // namespace

bool OrderSend(MqlTradeRequest &request, MqlTradeResult &result) {
  terminal::market_moves();
  auto answer = ledger::send(request);
  result = MqlTradeResult{};
  result.retcode = answer.retcode, result.comment = answer.words;
  result.order = answer.order, result.deal = answer.deal;
  result.volume = answer.volume, result.price = answer.price;
  if (auto *one = terminal::listed(request.symbol.bytes()))
    if (auto *tick = terminal::newest(*one)) result.bid = tick->bid, result.ask = tick->ask;
  bool taken = answer.retcode >= 10008 && answer.retcode <= 10010;
  if (!taken) fail(4756);
  return taken;
}

int OrdersTotal() { return static_cast<int>(ledger::orders.size()); }
ulong OrderGetTicket(int at) {
  if (at == 1 && terminal::slips > 0) --terminal::slips, ledger::first_leaves();
  ulong ticket = nth(ledger::orders, at);
  if (ticket != 0) OrderSelect(ticket);
  return ticket;
}
bool OrderSelect(ulong ticket) {
  auto found = ledger::orders.find(ticket);
  if (found == ledger::orders.end()) {
    fail(4754);
    return false;
  }
  order_copy = found->second;
  order = &order_copy;
  return true;
}
long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER what) { return order ? integer(*order, what) : 0; }
double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE what) { return order ? number(*order, what) : 0; }
string OrderGetString(ENUM_ORDER_PROPERTY_STRING what) { return order ? text(*order, what) : string(""); }

int PositionsTotal() { return static_cast<int>(ledger::positions.size()); }
ulong PositionGetTicket(int at) {
  ulong ticket = nth(ledger::positions, at);
  if (ticket != 0) PositionSelectByTicket(ticket);
  return ticket;
}
bool PositionSelectByTicket(ulong ticket) {
  auto found = ledger::positions.find(ticket);
  if (found == ledger::positions.end()) {
    fail(4753);
    return false;
  }
  position = found->second;
  return true;
}
bool PositionSelect(const string &symbol) {
  for (auto &one : ledger::positions)
    if (string(one.second.symbol) == symbol) return PositionSelectByTicket(one.first);
  return false;
}
long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER what) {
  switch (what) {
    case POSITION_TICKET: case POSITION_IDENTIFIER: return static_cast<long>(position.ticket);
    case POSITION_TIME: return position.time_ms / 1'000;
    case POSITION_TIME_MSC: return position.time_ms;
    case POSITION_TYPE: return position.type;
    case POSITION_MAGIC: return position.magic;
  }
  return 0;
}
double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE what) {
  switch (what) {
    case POSITION_VOLUME: return position.volume;
    case POSITION_PRICE_OPEN: case POSITION_PRICE_CURRENT: return position.price;
    case POSITION_SL: return position.sl;
    case POSITION_TP: return position.tp;
    case POSITION_SWAP: case POSITION_PROFIT: return 0;
  }
  return 0;
}
string PositionGetString(ENUM_POSITION_PROPERTY_STRING what) {
  return string(what == POSITION_SYMBOL ? position.symbol : position.comment);
}

// Chooses by time for the lists by number; what is read by ticket needs no choice.
bool HistorySelect(datetime from, datetime to) {
  chosen_deals.clear(), chosen_orders.clear();
  if (terminal::broken_histories > 0) {
    --terminal::broken_histories;
    return false;
  }
  for (auto &one : ledger::deals)
    if (known(one.first) && one.second.time_ms / 1'000 >= from && one.second.time_ms / 1'000 <= to) chosen_deals.push_back(one.first);
  for (auto &one : ledger::done)
    if (one.second.done_ms / 1'000 >= from && one.second.done_ms / 1'000 <= to) chosen_orders.push_back(one.first);
  return true;
}
int HistoryDealsTotal() { return static_cast<int>(chosen_deals.size()); }
ulong HistoryDealGetTicket(int at) {
  return at >= 0 && at < HistoryDealsTotal() ? chosen_deals[static_cast<std::size_t>(at)] : 0;
}
bool HistoryDealSelect(ulong ticket) {
  bool there = known(ticket) != nullptr;
  chosen_deals.clear();
  if (there) chosen_deals.push_back(ticket);
  return there;
}
long HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER what) {
  auto *one = known(ticket);
  if (one == nullptr) return 0;
  switch (what) {
    case DEAL_TICKET: return static_cast<long>(one->ticket);
    case DEAL_ORDER: return static_cast<long>(one->order);
    case DEAL_TIME: return one->time_ms / 1'000;
    case DEAL_TIME_MSC: return one->time_ms;
    case DEAL_TYPE: return one->type;
    case DEAL_ENTRY: return one->entry;
    case DEAL_MAGIC: return one->magic;
    case DEAL_POSITION_ID: return static_cast<long>(one->position);
  }
  return 0;
}
double HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE what) {
  auto *one = known(ticket);
  return one == nullptr ? 0 : what == DEAL_VOLUME ? one->volume : what == DEAL_PRICE ? one->price : 0;
}
string HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING what) {
  auto *one = known(ticket);
  return one == nullptr ? string("") : string(what == DEAL_SYMBOL ? one->symbol : one->comment);
}
int HistoryOrdersTotal() { return static_cast<int>(chosen_orders.size()); }
ulong HistoryOrderGetTicket(int at) {
  return at >= 0 && at < HistoryOrdersTotal() ? chosen_orders[static_cast<std::size_t>(at)] : 0;
}
bool HistoryOrderSelect(ulong ticket) {
  bool there = done_order(ticket) != nullptr;
  chosen_orders.clear();
  if (there) chosen_orders.push_back(ticket);
  return there;
}
long HistoryOrderGetInteger(ulong ticket, ENUM_ORDER_PROPERTY_INTEGER what) {
  auto *one = done_order(ticket);
  return one ? integer(*one, what) : 0;
}
double HistoryOrderGetDouble(ulong ticket, ENUM_ORDER_PROPERTY_DOUBLE what) {
  auto *one = done_order(ticket);
  return one ? number(*one, what) : 0;
}
string HistoryOrderGetString(ulong ticket, ENUM_ORDER_PROPERTY_STRING what) {
  auto *one = done_order(ticket);
  return one ? text(*one, what) : string("");
}

}  // namespace mql
