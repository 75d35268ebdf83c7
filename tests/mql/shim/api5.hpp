// What MQL5 alone has: sockets, CopyTicks, orders, positions, deals, trade transactions.
#pragma once
#include "info.hpp"

namespace mql {

constexpr int INVALID_HANDLE = -1;
constexpr uint COPY_TICKS_ALL = 7, COPY_TICKS_INFO = 1, COPY_TICKS_TRADE = 2;
constexpr uint TICK_FLAG_BID = 2, TICK_FLAG_ASK = 4, TICK_FLAG_LAST = 8, TICK_FLAG_VOLUME = 16;

int SocketCreate(uint flags = 0);
bool SocketClose(int socket);
bool SocketConnect(int socket, const string &server, uint port, uint timeout_ms);
bool SocketIsConnected(int socket);
uint SocketIsReadable(int socket);
bool SocketIsWritable(int socket);
bool SocketTimeouts(int socket, uint send_ms, uint receive_ms);
int SocketRead(int socket, Array<uchar> &bytes, uint most, uint timeout_ms);
int SocketSend(int socket, const Array<uchar> &bytes, uint size);
bool SocketTlsHandshake(int socket, const string &host);
bool SocketTlsCertificate(int socket, string &subject, string &issuer, string &serial,
                          string &thumbprint, datetime &expiration);
int SocketTlsSend(int socket, const Array<uchar> &bytes, uint size);
int SocketTlsRead(int socket, Array<uchar> &bytes, uint most);
int SocketTlsReadAvailable(int socket, Array<uchar> &bytes, const uint most);

ulong GetTickCount64();
datetime TimeTradeServer();
int CopyTicks(const string &symbol, Array<MqlTick> &ticks, uint flags = COPY_TICKS_ALL,
              ulong from = 0, uint count = 0);
int CopyTicksRange(const string &symbol, Array<MqlTick> &ticks, uint flags = COPY_TICKS_ALL,
                   ulong from = 0, ulong to = 0);

enum ENUM_ORDER_TYPE { ORDER_TYPE_BUY, ORDER_TYPE_SELL, ORDER_TYPE_BUY_LIMIT, ORDER_TYPE_SELL_LIMIT,
                       ORDER_TYPE_BUY_STOP, ORDER_TYPE_SELL_STOP, ORDER_TYPE_BUY_STOP_LIMIT,
                       ORDER_TYPE_SELL_STOP_LIMIT, ORDER_TYPE_CLOSE_BY };
enum ENUM_ORDER_STATE { ORDER_STATE_STARTED, ORDER_STATE_PLACED, ORDER_STATE_CANCELED,
                        ORDER_STATE_PARTIAL, ORDER_STATE_FILLED, ORDER_STATE_REJECTED,
                        ORDER_STATE_EXPIRED, ORDER_STATE_REQUEST_ADD, ORDER_STATE_REQUEST_MODIFY,
                        ORDER_STATE_REQUEST_CANCEL };
enum ENUM_ORDER_TYPE_FILLING { ORDER_FILLING_FOK, ORDER_FILLING_IOC, ORDER_FILLING_RETURN,
                               ORDER_FILLING_BOC };
enum ENUM_ORDER_TYPE_TIME { ORDER_TIME_GTC, ORDER_TIME_DAY, ORDER_TIME_SPECIFIED,
                            ORDER_TIME_SPECIFIED_DAY };
enum ENUM_POSITION_TYPE { POSITION_TYPE_BUY, POSITION_TYPE_SELL };
enum ENUM_DEAL_TYPE { DEAL_TYPE_BUY, DEAL_TYPE_SELL, DEAL_TYPE_BALANCE, DEAL_TYPE_CREDIT,
                      DEAL_TYPE_CHARGE, DEAL_TYPE_CORRECTION, DEAL_TYPE_BONUS, DEAL_TYPE_COMMISSION,
                      DEAL_TYPE_COMMISSION_DAILY, DEAL_TYPE_COMMISSION_MONTHLY,
                      DEAL_TYPE_COMMISSION_AGENT_DAILY, DEAL_TYPE_COMMISSION_AGENT_MONTHLY,
                      DEAL_TYPE_INTEREST, DEAL_TYPE_BUY_CANCELED, DEAL_TYPE_SELL_CANCELED,
                      DEAL_DIVIDEND, DEAL_DIVIDEND_FRANKED, DEAL_TAX };
enum ENUM_DEAL_ENTRY { DEAL_ENTRY_IN, DEAL_ENTRY_OUT, DEAL_ENTRY_INOUT, DEAL_ENTRY_OUT_BY };
enum ENUM_TRADE_REQUEST_ACTIONS { TRADE_ACTION_DEAL = 1, TRADE_ACTION_PENDING = 5,
                                  TRADE_ACTION_SLTP = 6, TRADE_ACTION_MODIFY = 7,
                                  TRADE_ACTION_REMOVE = 8, TRADE_ACTION_CLOSE_BY = 10 };
enum ENUM_TRADE_TRANSACTION_TYPE {
  TRADE_TRANSACTION_ORDER_ADD, TRADE_TRANSACTION_ORDER_UPDATE, TRADE_TRANSACTION_ORDER_DELETE,
  TRADE_TRANSACTION_HISTORY_ADD, TRADE_TRANSACTION_HISTORY_UPDATE, TRADE_TRANSACTION_HISTORY_DELETE,
  TRADE_TRANSACTION_DEAL_ADD, TRADE_TRANSACTION_DEAL_UPDATE, TRADE_TRANSACTION_DEAL_DELETE,
  TRADE_TRANSACTION_POSITION, TRADE_TRANSACTION_REQUEST };
enum ENUM_ORDER_PROPERTY_INTEGER { ORDER_TICKET, ORDER_TIME_SETUP, ORDER_TYPE, ORDER_STATE,
                                   ORDER_TIME_EXPIRATION, ORDER_TIME_DONE, ORDER_TIME_SETUP_MSC,
                                   ORDER_TIME_DONE_MSC, ORDER_TYPE_FILLING, ORDER_TYPE_TIME,
                                   ORDER_MAGIC, ORDER_REASON, ORDER_POSITION_ID,
                                   ORDER_POSITION_BY_ID };
enum ENUM_ORDER_PROPERTY_DOUBLE { ORDER_VOLUME_INITIAL, ORDER_VOLUME_CURRENT, ORDER_PRICE_OPEN,
                                  ORDER_SL, ORDER_TP, ORDER_PRICE_CURRENT, ORDER_PRICE_STOPLIMIT };
enum ENUM_ORDER_PROPERTY_STRING { ORDER_SYMBOL, ORDER_COMMENT, ORDER_EXTERNAL_ID };
enum ENUM_POSITION_PROPERTY_INTEGER { POSITION_TICKET, POSITION_TIME, POSITION_TIME_MSC,
                                      POSITION_TYPE, POSITION_MAGIC, POSITION_IDENTIFIER };
enum ENUM_POSITION_PROPERTY_DOUBLE { POSITION_VOLUME, POSITION_PRICE_OPEN, POSITION_SL, POSITION_TP,
                                     POSITION_PRICE_CURRENT, POSITION_SWAP, POSITION_PROFIT };
enum ENUM_POSITION_PROPERTY_STRING { POSITION_SYMBOL, POSITION_COMMENT };
enum ENUM_DEAL_PROPERTY_INTEGER { DEAL_TICKET, DEAL_ORDER, DEAL_TIME, DEAL_TIME_MSC, DEAL_TYPE,
                                  DEAL_ENTRY, DEAL_MAGIC, DEAL_POSITION_ID };
enum ENUM_DEAL_PROPERTY_DOUBLE { DEAL_VOLUME, DEAL_PRICE, DEAL_COMMISSION, DEAL_SWAP, DEAL_PROFIT,
                                 DEAL_FEE };
enum ENUM_DEAL_PROPERTY_STRING { DEAL_SYMBOL, DEAL_COMMENT };

struct MqlTradeRequest {
  ENUM_TRADE_REQUEST_ACTIONS action;
  ulong magic, order;
  string symbol;
  double volume, price, stoplimit, sl, tp;
  ulong deviation;
  ENUM_ORDER_TYPE type;
  ENUM_ORDER_TYPE_FILLING type_filling;
  ENUM_ORDER_TYPE_TIME type_time;
  datetime expiration;
  string comment;
  ulong position, position_by;
};
struct MqlTradeResult {
  uint retcode;
  ulong deal, order;
  double volume, price, bid, ask;
  string comment;
  uint request_id;
  int retcode_external;
};
struct MqlTradeTransaction {
  ulong deal, order;
  string symbol;
  ENUM_TRADE_TRANSACTION_TYPE type;
  ENUM_ORDER_TYPE order_type;
  ENUM_ORDER_STATE order_state;
  ENUM_DEAL_TYPE deal_type;
  ENUM_ORDER_TYPE_TIME time_type;
  datetime time_expiration;
  double price, price_trigger, price_sl, price_tp, volume;
  ulong position, position_by;
};

bool OrderSend(MqlTradeRequest &request, MqlTradeResult &result);
int OrdersTotal();
ulong OrderGetTicket(int at);
bool OrderSelect(ulong ticket);
long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER what);
double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE what);
string OrderGetString(ENUM_ORDER_PROPERTY_STRING what);
int PositionsTotal();
ulong PositionGetTicket(int at);
bool PositionSelectByTicket(ulong ticket);
bool PositionSelect(const string &symbol);
long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER what);
double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE what);
string PositionGetString(ENUM_POSITION_PROPERTY_STRING what);
bool HistorySelect(datetime from, datetime to);
int HistoryDealsTotal();
ulong HistoryDealGetTicket(int at);
bool HistoryDealSelect(ulong ticket);
long HistoryDealGetInteger(ulong ticket, ENUM_DEAL_PROPERTY_INTEGER what);
double HistoryDealGetDouble(ulong ticket, ENUM_DEAL_PROPERTY_DOUBLE what);
string HistoryDealGetString(ulong ticket, ENUM_DEAL_PROPERTY_STRING what);
int HistoryOrdersTotal();
ulong HistoryOrderGetTicket(int at);
bool HistoryOrderSelect(ulong ticket);
long HistoryOrderGetInteger(ulong ticket, ENUM_ORDER_PROPERTY_INTEGER what);
double HistoryOrderGetDouble(ulong ticket, ENUM_ORDER_PROPERTY_DOUBLE what);
string HistoryOrderGetString(ulong ticket, ENUM_ORDER_PROPERTY_STRING what);

}  // namespace mql
