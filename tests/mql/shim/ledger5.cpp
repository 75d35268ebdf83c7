// The toy broker of MetaTrader 5: what a request does, netting and hedging, faults, transactions.
#include "ledger5.hpp"

#include <sstream>

namespace ledger {

using namespace terminal;
using mql::ulong;

std::map<ulong, Order> orders, done;
std::map<ulong, Position> positions;
std::map<ulong, Deal> deals;

namespace {

ulong last_ticket = 1'000;
std::deque<mql::MqlTradeTransaction> news;

void tell(mql::ENUM_TRADE_TRANSACTION_TYPE type, ulong order, ulong deal, ulong position,
          const std::string &symbol) {
  mql::MqlTradeTransaction said{};
  said.type = type, said.order = order, said.deal = deal, said.position = position;
  said.symbol = symbol;
  news.push_back(said);
  raise(TRANSACTION);
}

void end(Order order, long state) {
  order.state = state, order.done_ms = server_ms();
  if (state == mql::ORDER_STATE_FILLED) order.current = 0;
  orders.erase(order.ticket);
  done[order.ticket] = order;
  tell(mql::TRADE_TRANSACTION_ORDER_DELETE, order.ticket, 0, 0, order.symbol);
  tell(mql::TRADE_TRANSACTION_HISTORY_ADD, order.ticket, 0, 0, order.symbol);
}

Order &add(Order order) {
  order.ticket = ++last_ticket;
  order.setup_ms = server_ms();
  order.current = order.initial;
  tell(mql::TRADE_TRANSACTION_ORDER_ADD, order.ticket, 0, 0, order.symbol);
  return orders[order.ticket] = order;
}

ulong deal(const Order &order, ulong position, long type, long entry, double volume, double price) {
  ulong ticket = ++last_ticket;
  deals[ticket] = {ticket, order.ticket, position, order.symbol, order.comment,
                   type, entry, server_ms(), order.magic, volume, price, mono_ms() + late_ms};
  tell(mql::TRADE_TRANSACTION_DEAL_ADD, order.ticket, ticket, position, order.symbol);
  return ticket;
}

double lots(double volume) { return std::round(volume * 100) / 100; }

// Takes volume off a position.
void reduce(Position &held, double volume) {
  held.volume = lots(held.volume - volume);
  if (held.volume <= 0) positions.erase(held.ticket);
}

Position *held_by(const Order &order) {
  if (order.position != 0) {
    auto found = positions.find(static_cast<ulong>(order.position));
    return found == positions.end() ? nullptr : &found->second;
  }
  if (!account.hedging)
    for (auto &one : positions)
      if (one.second.symbol == order.symbol) return &one.second;
  return nullptr;
}

// Executes an order, wholly or in part; returns the deal.
ulong fill(Order order, double volume, double price) {
  long side = order.type % 2;
  Position *held = held_by(order);
  long entry = mql::DEAL_ENTRY_IN;
  ulong ticket = held ? held->ticket : order.ticket;
  Position fresh{ticket, order.symbol, order.comment, side, server_ms(), order.magic, volume, price, order.sl, order.tp};
  if (held == nullptr) {
    positions[ticket] = fresh;
  } else if (held->type == side) {
    held->price = (held->price * held->volume + price * volume) / (held->volume + volume);
    held->volume = lots(held->volume + volume);
  } else {
    double rest = lots(volume - held->volume);
    entry = rest > 0 ? mql::DEAL_ENTRY_INOUT : mql::DEAL_ENTRY_OUT;
    reduce(*held, std::min(volume, held->volume));
    fresh.volume = rest;
    if (rest > 0) positions[ticket] = fresh;
  }
  order.position = static_cast<long>(ticket);
  order.current = lots(order.initial - volume);
  ulong number = deal(order, ticket, side, entry, volume, price);
  end(order, order.current > 0 ? mql::ORDER_STATE_CANCELED : mql::ORDER_STATE_FILLED);
  return number;
}

// Why the broker does not take a request; retcode 0 when it does.
Answer refused(const mql::MqlTradeRequest &request) {
  Answer no{0};
  auto *one = listed(request.symbol.bytes());
  if (!account.algo) return {10027, "AutoTrading disabled by client"};
  if (!account.trade_allowed) return {10017, "Trade disabled"};
  if (!account.connected) return {10031, "No connection"};
  if (one == nullptr || newest(*one) == nullptr) return {10021, "No prices"};
  if (one->mode == 0) return {10017, "Trade disabled"};
  double highest = std::max({request.price, request.stoplimit, request.sl, request.tp});
  if (highest > 1e6) return {10015, "Invalid price"};  // no broker quotes beyond
  bool opens = request.action == mql::TRADE_ACTION_DEAL || request.action == mql::TRADE_ACTION_PENDING;
  if (!opens) return no;
  double steps = request.volume / one->volume_step;
  bool fits = std::abs(steps - std::round(steps)) < 1e-6 && request.volume >= one->volume_min - 1e-9 &&
              request.volume <= one->volume_max + 1e-9;
  if (!fits) return {10014, "Invalid volume"};
  if (request.price <= 0) return {10015, "Invalid price"};
  bool market = request.action == mql::TRADE_ACTION_DEAL;
  bool filling = request.type_filling == mql::ORDER_FILLING_FOK ? one->filling & 1 : one->filling & 2;
  if (market && !filling) return {10030, "Unsupported filling mode"};
  return no;
}

Answer open(const mql::MqlTradeRequest &request, const Fault &fault) {
  auto &one = *listed(request.symbol.bytes());
  Order order;
  order.symbol = one.name, order.comment = request.comment.bytes().substr(0, 31);
  order.type = request.type, order.filling = request.type_filling, order.time_type = request.type_time;
  order.expiration = request.expiration, order.magic = static_cast<long>(request.magic);
  order.position = static_cast<long>(request.position);
  order.initial = lots(request.volume), order.price = request.price;
  order.stop_limit = request.stoplimit, order.sl = request.sl, order.tp = request.tp;
  if (request.action == mql::TRADE_ACTION_PENDING)
    return {10008, "Request placed", add(order).ticket, 0, order.initial, order.price};
  if (order.position != 0 && held_by(order) == nullptr) return {10036, "Position doesn't exist"};
  bool buy = request.type == mql::ORDER_TYPE_BUY;
  double price = buy ? newest(one)->ask : newest(one)->bid;
  double volume = order.initial;
  if (fault.kind == "partial" && request.type_filling != mql::ORDER_FILLING_FOK)
    volume = std::max(lots(std::floor(volume * static_cast<double>(fault.percent)) / 100), one.volume_min);
  order.price = price;
  Order placed = add(order);
  ulong number = fill(placed, volume, price);
  if (fault.kind == "timeout") return {10012, "Request timed out", placed.ticket};
  mql::uint code = volume < order.initial ? 10010 : 10009;
  return {code, "Request executed", placed.ticket, number, volume, price};
}

Answer close_by(const mql::MqlTradeRequest &request) {
  auto one = positions.find(request.position), other = positions.find(request.position_by);
  bool fits = one != positions.end() && other != positions.end() &&
              one->second.symbol == other->second.symbol && one->second.type != other->second.type;
  if (!fits) return {10035, "Invalid close by"};
  Position a = one->second, b = other->second;
  double volume = std::min(a.volume, b.volume);
  Order order;
  order.symbol = a.symbol, order.type = mql::ORDER_TYPE_CLOSE_BY, order.initial = volume;
  order.position = static_cast<long>(a.ticket), order.position_by = static_cast<long>(b.ticket);
  Order placed = add(order);
  deal(placed, a.ticket, 1 - a.type, mql::DEAL_ENTRY_OUT_BY, volume, b.price);
  deal(placed, b.ticket, 1 - b.type, mql::DEAL_ENTRY_OUT_BY, volume, a.price);
  reduce(one->second, volume);
  reduce(other->second, volume);
  end(placed, mql::ORDER_STATE_FILLED);
  return {10009, "Request executed", placed.ticket};
}

Answer change(const mql::MqlTradeRequest &request) {
  if (request.action == mql::TRADE_ACTION_SLTP) {
    auto held = positions.find(request.position);
    if (held == positions.end()) return {10036, "Position doesn't exist"};
    held->second.sl = request.sl, held->second.tp = request.tp;
    tell(mql::TRADE_TRANSACTION_POSITION, 0, 0, held->first, held->second.symbol);
    return {10009, "Request executed"};
  }
  auto found = orders.find(request.order);
  if (found == orders.end()) return {10035, "Invalid order"};
  Order &order = found->second;
  ulong ticket = order.ticket;
  if (request.action == mql::TRADE_ACTION_REMOVE) {
    end(order, mql::ORDER_STATE_CANCELED);
    return {10009, "Request executed", ticket};
  }
  order.price = request.price, order.sl = request.sl, order.tp = request.tp;
  order.stop_limit = request.stoplimit, order.expiration = request.expiration;
  order.time_type = request.type_time;
  tell(mql::TRADE_TRANSACTION_ORDER_UPDATE, ticket, 0, 0, order.symbol);
  return {10009, "Request executed", ticket};
}

bool reached(const Order &order, double bid, double ask) {
  switch (order.type) {
    case mql::ORDER_TYPE_BUY_LIMIT: return ask <= order.price;
    case mql::ORDER_TYPE_SELL_LIMIT: return bid >= order.price;
    case mql::ORDER_TYPE_BUY_STOP: return ask >= order.price;
    case mql::ORDER_TYPE_SELL_STOP: return bid <= order.price;
    default: return false;
  }
}

// A stop-limit order whose stop is reached goes on under its number as a limit order.
void turn_limit(Order &order, double bid, double ask) {
  bool buys = order.type == mql::ORDER_TYPE_BUY_STOP_LIMIT;
  bool sells = order.type == mql::ORDER_TYPE_SELL_STOP_LIMIT;
  if (!(buys && ask >= order.price) && !(sells && bid <= order.price)) return;
  order.type = buys ? mql::ORDER_TYPE_BUY_LIMIT : mql::ORDER_TYPE_SELL_LIMIT;
  order.price = order.stop_limit;
  tell(mql::TRADE_TRANSACTION_ORDER_UPDATE, order.ticket, 0, 0, order.symbol);
}

// Whether the time of an order is over.
bool is_due(const Order &order) {
  constexpr long DAY_S = 86'400;
  long now_s = server_ms() / 1'000, day_end_s = (order.setup_ms / 1'000 / DAY_S + 1) * DAY_S;
  if (order.time_type == mql::ORDER_TIME_DAY) return now_s >= day_end_s;
  return order.time_type == mql::ORDER_TIME_SPECIFIED && now_s >= order.expiration;
}

}  // namespace

Answer send(const mql::MqlTradeRequest &request) {
  bool opens = request.action == mql::TRADE_ACTION_DEAL || request.action == mql::TRADE_ACTION_PENDING;
  ++counters.order_sends;
  counters.opens += opens;
  Answer no = refused(request);
  if (no.retcode != 0) return no;
  Fault fault;
  if (opens) take("requote reject partial timeout lost unheard code slow", fault);
  if (fault.kind == "slow") now.jumped_ms += fault.code;
  if (fault.kind == "requote") return {10004, "Requote"};
  if (fault.kind == "reject") return {10006, "Request rejected"};
  if (fault.kind == "code") return {static_cast<mql::uint>(fault.code), "as told"};
  if (fault.kind == "unheard") throw Died{true};
  if (request.action == mql::TRADE_ACTION_CLOSE_BY) return close_by(request);
  if (!opens) return change(request);
  Answer answer = open(request, fault);
  if (fault.kind == "lost") throw Died{true};
  return answer;
}

void first_leaves() {
  if (!orders.empty()) end(orders.begin()->second, mql::ORDER_STATE_CANCELED);
}

}  // namespace ledger

namespace trading {

using namespace ledger;

void market_moved(const Listed &one) {
  for (auto at = orders.begin(); at != orders.end();) {
    Order &order = (at++)->second;
    auto *tick = newest(one);
    if (order.symbol != one.name) continue;
    turn_limit(order, tick->bid, tick->ask);
    if (is_due(order)) end(order, mql::ORDER_STATE_EXPIRED);
    else if (reached(order, tick->bid, tick->ask)) fill(order, order.initial, order.price);
  }
}

// manual SYMBOL buy|sell LOTS: the user trades by hand; seed N: a history of N deals; forget: an
// empty account, for long campaigns.
bool command(const std::vector<std::string> &words) {
  bool manual = words[0] == "manual" && words.size() >= 4;
  bool seeds = words[0] == "seed" && words.size() >= 2;
  for (long count = manual ? 1 : seeds ? std::stol(words[1]) : 0; count > 0; --count) {
    Order order;
    order.symbol = manual ? words[1] : "EURUSD";
    order.type = manual ? words[2] == "sell" : count % 2;
    order.initial = manual ? std::stod(words[3]) : 0.01;
    Order placed = add(order);
    auto *tick = newest(*listed(order.symbol));
    fill(placed, order.initial, order.type ? tick->bid : tick->ask);
    if (seeds) news.clear();
  }
  bool empties = words[0] == "forget";
  if (empties) orders.clear(), done.clear(), positions.clear(), deals.clear(), news.clear();
  if (words[0] == "deal_back" && !deals.empty()) {
    auto last = --deals.end();
    tell(mql::TRADE_TRANSACTION_DEAL_DELETE, last->second.order, last->first, last->second.position, last->second.symbol);
    deals.erase(last);
    return true;
  }
  return manual || seeds || empties;
}

std::string report() {
  std::ostringstream out;
  out << "\"orders\":[";
  const char *comma = "";
  for (auto &[ticket, one] : orders) {
    out << comma << "[" << ticket << "," << quoted(one.symbol) << "," << one.type << "," << one.initial
        << "," << one.price << "," << one.magic << "," << quoted(one.comment) << "]";
    comma = ",";
  }
  out << "],\"done\":[", comma = "";
  for (auto &[ticket, one] : done) {
    if (one.comment.empty()) continue;
    out << comma << "[" << ticket << "," << one.state << "," << one.magic << "," << quoted(one.comment) << "]";
    comma = ",";
  }
  out << "],\"positions\":[", comma = "";
  for (auto &[ticket, one] : positions) {
    out << comma << "[" << ticket << "," << quoted(one.symbol) << "," << one.type << "," << one.volume
        << "," << one.magic << "," << quoted(one.comment) << "," << one.sl << "," << one.tp << "]";
    comma = ",";
  }
  out << "],\"deals\":" << deals.size();
  return out.str();
}

void deliver(void *entry) {
  if (news.empty()) return;
  auto said = news.front();
  news.pop_front();
  if (entry == nullptr) return;
  mql::MqlTradeRequest request{};
  mql::MqlTradeResult result{};
  using Handler = void(const mql::MqlTradeTransaction &, const mql::MqlTradeRequest &, const mql::MqlTradeResult &);
  reinterpret_cast<Handler *>(entry)(said, request, result);
}

}  // namespace trading
