// Properties of symbols, account, terminal and program.
#include "info.hpp"

#include "terminal.hpp"

namespace mql {

namespace {

const terminal::Listed *known(const string &symbol) {
  auto *one = terminal::listed(symbol.bytes());
  if (one == nullptr) fail(4301);
  return one;
}

}  // namespace

long SymbolInfoInteger(const string &symbol, ENUM_SYMBOL_INFO_INTEGER what) {
  long value = 0;
  SymbolInfoInteger(symbol, what, value);
  return value;
}

bool SymbolInfoInteger(const string &symbol, ENUM_SYMBOL_INFO_INTEGER what, long &value) {
  auto *one = known(symbol);
  if (one == nullptr) return false;
  auto *tick = terminal::newest(*one);
  switch (what) {
    case SYMBOL_SELECT: case SYMBOL_VISIBLE: value = one->selected; break;
    case SYMBOL_DIGITS: value = one->digits; break;
    case SYMBOL_SPREAD: value = tick ? std::lround((tick->ask - tick->bid) / one->point) : 0; break;
    case SYMBOL_TRADE_STOPS_LEVEL: value = one->stops; break;
    case SYMBOL_TRADE_FREEZE_LEVEL: value = one->freeze; break;
    case SYMBOL_TRADE_EXEMODE: value = one->execution; break;
    case SYMBOL_TRADE_MODE: value = one->mode; break;
    case SYMBOL_FILLING_MODE: value = one->filling; break;
    case SYMBOL_TIME: value = tick ? tick->time : 0; break;
    case SYMBOL_TIME_MSC: value = tick ? tick->time_msc : 0; break;
    case SYMBOL_EXIST: value = 1; break;
    case SYMBOL_EXPIRATION_MODE: value = 15; break;
    case SYMBOL_ORDER_MODE: value = 127; break;
    case SYMBOL_CUSTOM: value = 0; break;
  }
  return true;
}

double SymbolInfoDouble(const string &symbol, ENUM_SYMBOL_INFO_DOUBLE what) {
  double value = 0;
  SymbolInfoDouble(symbol, what, value);
  return value;
}

bool SymbolInfoDouble(const string &symbol, ENUM_SYMBOL_INFO_DOUBLE what, double &value) {
  auto *one = known(symbol);
  if (one == nullptr) return false;
  auto *tick = terminal::newest(*one);
  switch (what) {
    case SYMBOL_BID: value = tick ? tick->bid : 0; break;
    case SYMBOL_ASK: value = tick ? tick->ask : 0; break;
    case SYMBOL_LAST: value = 0; break;
    case SYMBOL_POINT: case SYMBOL_TRADE_TICK_SIZE: value = one->point; break;
    case SYMBOL_TRADE_TICK_VALUE: value = one->tick_value; break;
    case SYMBOL_TRADE_CONTRACT_SIZE: value = one->contract; break;
    case SYMBOL_VOLUME_MIN: value = one->volume_min; break;
    case SYMBOL_VOLUME_MAX: value = one->volume_max; break;
    case SYMBOL_VOLUME_STEP: value = one->volume_step; break;
  }
  return true;
}

string SymbolInfoString(const string &symbol, ENUM_SYMBOL_INFO_STRING what) {
  string value;
  SymbolInfoString(symbol, what, value);
  return value;
}

bool SymbolInfoString(const string &symbol, ENUM_SYMBOL_INFO_STRING what, string &value) {
  auto *one = known(symbol);
  if (one == nullptr) return false;
  switch (what) {
    case SYMBOL_CURRENCY_BASE: case SYMBOL_CURRENCY_MARGIN: value = one->name.substr(0, 3); break;
    case SYMBOL_CURRENCY_PROFIT: value = one->name.substr(3, 3); break;
    case SYMBOL_DESCRIPTION: case SYMBOL_PATH: value = one->name; break;
  }
  return true;
}

long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER what) {
  auto &at = terminal::account;
  switch (what) {
    case ACCOUNT_LOGIN: return at.login;
    case ACCOUNT_LEVERAGE: return at.leverage;
    case ACCOUNT_TRADE_ALLOWED: return at.trade_allowed;
    case ACCOUNT_TRADE_EXPERT: return at.expert_allowed;
    case ACCOUNT_MARGIN_MODE:
      return at.hedging ? ACCOUNT_MARGIN_MODE_RETAIL_HEDGING : ACCOUNT_MARGIN_MODE_RETAIL_NETTING;
    case ACCOUNT_CURRENCY_DIGITS: return 2;
    case ACCOUNT_TRADE_MODE: case ACCOUNT_LIMIT_ORDERS: case ACCOUNT_FIFO_CLOSE: return 0;
  }
  return 0;
}

double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE what) {
  bool money = what == ACCOUNT_BALANCE || what == ACCOUNT_EQUITY || what == ACCOUNT_FREEMARGIN;
  return money ? terminal::account.balance : 0;
}

string AccountInfoString(ENUM_ACCOUNT_INFO_STRING what) {
  auto &at = terminal::account;
  switch (what) {
    case ACCOUNT_SERVER: return string(at.server);
    case ACCOUNT_CURRENCY: return string(at.currency);
    case ACCOUNT_COMPANY: return string(at.company);
    case ACCOUNT_NAME: return string("Somebody");
  }
  return string();
}

int TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER what) {
  auto &at = terminal::account;
  switch (what) {
    case TERMINAL_BUILD: return static_cast<int>(at.build);
    case TERMINAL_CONNECTED: return at.connected;
    case TERMINAL_TRADE_ALLOWED: return at.algo;
    case TERMINAL_DLLS_ALLOWED: return 1;
    case TERMINAL_PING_LAST: return 1500;
    case TERMINAL_MAXBARS: return 100000;
  }
  return 0;
}

string TerminalInfoString(ENUM_TERMINAL_INFO_STRING) { return string("shim"); }

int MQLInfoInteger(ENUM_MQL_INFO_INTEGER what) {
  return what == MQL_TRADE_ALLOWED ? terminal::account.algo : what == MQL_DLLS_ALLOWED;
}

string MQLInfoString(ENUM_MQL_INFO_STRING) { return string("ThftBridge"); }

}  // namespace mql
