// What MQL4 alone has: the pool of orders and the functions that trade; Windows' sockets are imported.
#pragma once
#include "info.hpp"

namespace mql {

constexpr int OP_BUY = 0, OP_SELL = 1, OP_BUYLIMIT = 2, OP_SELLLIMIT = 3, OP_BUYSTOP = 4, OP_SELLSTOP = 5;
constexpr int SELECT_BY_POS = 0, SELECT_BY_TICKET = 1, MODE_TRADES = 0, MODE_HISTORY = 1;
constexpr int MODE_BID = 9, MODE_ASK = 10, MODE_POINT = 11, MODE_DIGITS = 12, MODE_SPREAD = 13;

int OrderSend(const string &symbol, int type, double lots, double price, int slippage, double sl,
              double tp, const string &comment = string(), int magic = 0, datetime expiration = 0,
              color arrow = clrNONE);
bool OrderClose(int ticket, double lots, double price, int slippage, color arrow = clrNONE);
bool OrderCloseBy(int ticket, int other, color arrow = clrNONE);
bool OrderModify(int ticket, double price, double sl, double tp, datetime expiration,
                 color arrow = clrNONE);
bool OrderDelete(int ticket, color arrow = clrNONE);
bool OrderSelect(int which, int how, int pool = MODE_TRADES);
int OrdersTotal();
int OrdersHistoryTotal();
int OrderTicket();
int OrderType();
double OrderLots();
double OrderOpenPrice();
double OrderClosePrice();
datetime OrderOpenTime();
datetime OrderCloseTime();
double OrderStopLoss();
double OrderTakeProfit();
double OrderProfit();
double OrderCommission();
double OrderSwap();
datetime OrderExpiration();
string OrderComment();
int OrderMagicNumber();
string OrderSymbol();
double MarketInfo(const string &symbol, int what);
bool IsConnected();
bool IsTradeAllowed();
bool IsDllsAllowed();
bool IsExpertEnabled();
bool IsTradeContextBusy();
int AccountNumber();
string AccountServer();
string AccountCompany();
string AccountCurrency();
double AccountBalance();
double AccountEquity();
double AccountFreeMargin();
int AccountLeverage();

}  // namespace mql
