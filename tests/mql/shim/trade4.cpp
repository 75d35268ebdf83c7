// The toy broker of MetaTrader 4: one pool of orders, hedging only, errors instead of answers.
#include <sstream>

#include "api4.hpp"
#include "terminal.hpp"

namespace mql {

using namespace terminal;

namespace {

struct Order {
  int ticket = 0, type = 0, magic = 0;
  std::string symbol, comment;
  double lots = 0, open = 0, close = 0, sl = 0, tp = 0;
  datetime opened = 0, closed = 0, expiration = 0;
};
std::vector<Order> pool, history;
std::deque<std::pair<long, Order>> coming;  // what history will show, and from when on
Order selected;
int last_ticket = 1'000;
constexpr double HIGHEST = 1e6;  // no broker quotes beyond

datetime server_now() { return server_ms() / 1'000; }
double lots_of(double volume) { return std::round(volume * 100) / 100; }

Order *open_order(int ticket) {
  for (auto &one : pool)
    if (one.ticket == ticket) return &one;
  return nullptr;
}

void close(int ticket, double price, const std::string &words = "") {
  Order one = *open_order(ticket);
  pool.erase(pool.begin() + (open_order(ticket) - pool.data()));
  one.closed = server_now(), one.close = price;
  if (!words.empty()) one.comment = words;
  coming.emplace_back(mono_ms() + late_ms, one);
}

void show_history() {
  for (; !coming.empty() && coming.front().first <= mono_ms(); coming.pop_front())
    history.push_back(coming.front().second);
}

int refused(int code) {
  fail(code);
  return -1;
}

// Why nothing is done, 0 when it may be.
int obstacle(const std::string &symbol) {
  auto *one = listed(symbol);
  if (!account.algo) return 4109;
  if (!account.connected) return 6;
  if (!account.trade_allowed) return 133;
  if (one == nullptr) return 4106;
  return newest(*one) == nullptr ? 136 : one->mode == 0 ? 133 : 0;
}

// The fault of this call; Died is thrown for those that end the Expert, `after` it was done or before.
int fault_before(Fault &fault) {
  take("requote reject partial timeout lost unheard code slow", fault);
  if (fault.kind == "slow") now.jumped_ms += fault.code;
  if (fault.kind == "requote") return 138;
  if (fault.kind == "reject") return 3;
  if (fault.kind == "code") return static_cast<int>(fault.code);
  if (fault.kind == "unheard") throw Died{true};
  return 0;
}

bool fault_after(const Fault &fault) {
  if (fault.kind == "lost") throw Died{true};
  if (fault.kind == "timeout") fail(128);
  return fault.kind == "timeout";
}

int add(const std::string &symbol, int type, double lots, double price, const std::string &comment, int magic) {
  Order order;
  order.ticket = ++last_ticket, order.type = type, order.magic = magic;
  order.symbol = symbol, order.comment = comment.substr(0, 31);
  order.lots = lots_of(lots), order.open = price, order.opened = server_now();
  pool.push_back(order);
  return order.ticket;
}

bool changes(int ticket, Order *&order) {
  ++counters.order_sends;
  market_moves();
  order = open_order(ticket);
  if (order == nullptr) fail(4108);
  else if (int code = obstacle(order->symbol)) { fail(code); order = nullptr; }
  return order != nullptr;
}

// What is left of a partly closed order has another ticket, and words that name the old one.
void split(Order &order, double lots, double price) {
  double rest = lots_of(order.lots - lots);
  Order left = order;
  left.ticket = ++last_ticket, left.lots = rest;
  left.comment = "from #" + std::to_string(order.ticket);
  order.lots = lots_of(lots);
  std::string words = "to #" + std::to_string(left.ticket);
  close(order.ticket, price, words);
  pool.push_back(left);
}

}  // namespace

int OrderSend(const string &symbol, int type, double lots, double price, int, double sl, double tp,
              const string &comment, int magic, datetime expiration, color) {
  ++counters.order_sends, ++counters.opens;
  market_moves();
  Fault fault;
  if (int code = obstacle(symbol.bytes())) return refused(code);
  auto &one = *listed(symbol.bytes());
  double steps = lots / one.volume_step;
  bool fits = std::abs(steps - std::round(steps)) < 1e-6 && lots >= one.volume_min - 1e-9 && lots <= one.volume_max + 1e-9;
  if (!fits) return refused(131);
  if (type < OP_BUY || type > OP_SELLSTOP || price <= 0) return refused(3);
  if (std::max({price, sl, tp}) > HIGHEST) return refused(129);
  auto *tick = newest(one);
  double market = type == OP_BUY ? tick->ask : tick->bid;
  if (type <= OP_SELL && std::abs(price - market) > 100 * one.point) return refused(129);
  if (int code = fault_before(fault)) return refused(code);
  int ticket = add(one.name, type, lots, type <= OP_SELL ? market : price, comment.bytes(), magic);
  auto &order = pool.back();
  order.sl = sl, order.tp = tp, order.expiration = expiration;
  return fault_after(fault) ? -1 : ticket;
}

bool OrderClose(int ticket, double lots, double, int, color) {
  Order *order;
  ++counters.opens;
  if (!changes(ticket, order)) return false;
  Fault fault;
  if (order->type > OP_SELL || lots <= 0 || lots > order->lots + 1e-9) return refused(131) == 0;
  if (int code = fault_before(fault)) return refused(code) == 0;
  auto *tick = newest(*listed(order->symbol));
  double price = order->type == OP_BUY ? tick->bid : tick->ask;
  if (lots < order->lots - 1e-9) split(*order, lots, price);
  else close(ticket, price);
  return !fault_after(fault);
}

bool OrderCloseBy(int ticket, int other, color) {
  Order *order;
  ++counters.opens;
  if (!changes(ticket, order)) return false;
  auto *against = open_order(other);
  bool fits = against != nullptr && against->symbol == order->symbol && against->type + order->type == 1;
  if (!fits) return refused(3) == 0;
  double lots = std::min(order->lots, against->lots), price = against->open;
  int larger = order->lots > against->lots ? ticket : other, smaller = larger == ticket ? other : ticket;
  if (lots < open_order(larger)->lots - 1e-9) split(*open_order(larger), lots, price);
  else close(larger, price);
  close(smaller, price);
  return true;
}

bool OrderModify(int ticket, double price, double sl, double tp, datetime expiration, color) {
  Order *order;
  if (!changes(ticket, order)) return false;
  if (std::max({price, sl, tp}) > HIGHEST) return refused(129) == 0;
  bool same = order->sl == sl && order->tp == tp && (order->type <= OP_SELL || (order->open == price && order->expiration == expiration));
  if (same) return refused(1) == 0;
  order->sl = sl, order->tp = tp;
  if (order->type > OP_SELL) order->open = price, order->expiration = expiration;
  return true;
}

bool OrderDelete(int ticket, color) {
  Order *order;
  if (!changes(ticket, order)) return false;
  if (order->type <= OP_SELL) return refused(3) == 0;
  close(ticket, order->open);
  return true;
}

bool OrderSelect(int which, int how, int from) {
  show_history();
  auto &list = from == MODE_HISTORY ? history : pool;
  if (how == SELECT_BY_POS && from == MODE_TRADES && which == 1 && terminal::slips > 0)
    --terminal::slips, close(pool[0].ticket, pool[0].open);
  const Order *found = nullptr;
  if (how == SELECT_BY_POS && which >= 0 && static_cast<std::size_t>(which) < list.size())
    found = &list[static_cast<std::size_t>(which)];
  if (how == SELECT_BY_TICKET) {
    found = open_order(which);
    for (auto &one : history)
      if (found == nullptr && one.ticket == which) found = &one;
  }
  if (found == nullptr) fail(4105);
  else selected = *found;
  return found != nullptr;
}

int OrdersTotal() { return static_cast<int>(pool.size()); }
int OrdersHistoryTotal() {
  show_history();
  return static_cast<int>(history.size());
}
int OrderTicket() { return selected.ticket; }
int OrderType() { return selected.type; }
double OrderLots() { return selected.lots; }
double OrderOpenPrice() { return selected.open; }
double OrderClosePrice() { return selected.close; }
datetime OrderOpenTime() { return selected.opened; }
datetime OrderCloseTime() { return selected.closed; }
double OrderStopLoss() { return selected.sl; }
double OrderTakeProfit() { return selected.tp; }
double OrderProfit() { return 0; }
double OrderCommission() { return 0; }
double OrderSwap() { return 0; }
datetime OrderExpiration() { return selected.expiration; }
string OrderComment() { return string(selected.comment); }
int OrderMagicNumber() { return selected.magic; }
string OrderSymbol() { return string(selected.symbol); }

double MarketInfo(const string &symbol, int what) {
  switch (what) {
    case MODE_BID: return SymbolInfoDouble(symbol, SYMBOL_BID);
    case MODE_ASK: return SymbolInfoDouble(symbol, SYMBOL_ASK);
    case MODE_POINT: return SymbolInfoDouble(symbol, SYMBOL_POINT);
    case MODE_DIGITS: return static_cast<double>(SymbolInfoInteger(symbol, SYMBOL_DIGITS));
    default: critical("MarketInfo: a mode that the shim does not know", what, 0);
  }
}
bool IsConnected() { return account.connected; }
bool IsTradeAllowed() { return account.algo; }
bool IsDllsAllowed() { return true; }
bool IsExpertEnabled() { return account.algo; }
bool IsTradeContextBusy() { return false; }
int AccountNumber() { return static_cast<int>(account.login); }
string AccountServer() { return string(account.server); }
string AccountCompany() { return string(account.company); }
string AccountCurrency() { return string(account.currency); }
double AccountBalance() { return account.balance; }
double AccountEquity() { return account.balance; }
double AccountFreeMargin() { return account.balance; }
int AccountLeverage() { return static_cast<int>(account.leverage); }

}  // namespace mql

namespace trading {

using namespace mql;

void market_moved(const terminal::Listed &one) {
  auto *tick = newest(one);
  std::vector<int> due;
  for (auto &order : pool)
    if (order.type > OP_SELL && order.expiration > 0 && server_now() >= order.expiration) due.push_back(order.ticket);
  for (int ticket : due) close(ticket, open_order(ticket)->open, "expiration [" + std::to_string(server_now()) + "]");
  for (auto &order : pool) {
    if (order.symbol != one.name || order.type <= OP_SELL) continue;
    bool buy = order.type % 2 == 0, limit = order.type <= OP_SELLLIMIT;
    double price = buy ? tick->ask : tick->bid;
    bool reached = buy == limit ? price <= order.open : price >= order.open;
    if (reached) order.type %= 2, order.opened = server_now();
  }
}

bool command(const std::vector<std::string> &words) {
  bool manual = words[0] == "manual" && words.size() >= 4;
  if (manual) {
    auto *tick = newest(*listed(words[1]));
    bool sell = words[2] == "sell";
    add(words[1], sell, std::stod(words[3]), sell ? tick->bid : tick->ask, "", 0);
  }
  bool closes = words[0] == "manual_close" && !pool.empty();
  if (closes) close(pool[0].ticket, newest(*listed(pool[0].symbol))->bid);
  bool seeds = words[0] == "seed" && words.size() >= 2;
  for (long count = seeds ? std::stol(words[1]) : 0; count > 0; --count)
    close(add("EURUSD", OP_BUY, 0.01, 1.17, "", 0), 1.17);
  bool empties = words[0] == "forget";
  if (empties) pool.clear(), history.clear(), coming.clear();
  return manual || closes || seeds || empties;
}

std::string report() {
  show_history();
  std::ostringstream out;
  std::string parts[3];
  for (auto &one : pool) {
    auto &part = parts[one.type > OP_SELL];
    std::ostringstream row;
    row << (part.empty() ? "[" : ",[") << one.ticket << "," << quoted(one.symbol) << "," << one.type << "," << one.lots;
    if (one.type > OP_SELL) row << "," << one.open;
    row << "," << one.magic << "," << quoted(one.comment) << "," << one.sl << "," << one.tp << "]";
    part += row.str();
  }
  for (auto &one : history)
    if (!one.comment.empty())
      parts[2] += (parts[2].empty() ? "[" : ",[") + std::to_string(one.ticket) + "," + std::to_string(one.type) +
                  "," + std::to_string(one.magic) + "," + quoted(one.comment) + "]";
  out << "\"positions\":[" << parts[0] << "],\"orders\":[" << parts[1] << "],\"done\":[" << parts[2]
      << "],\"deals\":" << history.size();
  return out.str();
}

void deliver(void *) {}

}  // namespace trading
