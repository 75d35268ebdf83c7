// Orders, positions and deals of MetaTrader 5 as rows, and which of them an answer holds; by Answers and News.

#define AHEAD_S 172800

// ---- words -------------------------------------------------------------------------------------------

string OrderTypeText(long type)
{
   if(type == ORDER_TYPE_BUY) return "buy";
   if(type == ORDER_TYPE_SELL) return "sell";
   if(type == ORDER_TYPE_BUY_LIMIT) return "buy_limit";
   if(type == ORDER_TYPE_SELL_LIMIT) return "sell_limit";
   if(type == ORDER_TYPE_BUY_STOP) return "buy_stop";
   if(type == ORDER_TYPE_SELL_STOP) return "sell_stop";
   if(type == ORDER_TYPE_BUY_STOP_LIMIT) return "buy_stop_limit";
   if(type == ORDER_TYPE_SELL_STOP_LIMIT) return "sell_stop_limit";
   return "close_by";
}

string OrderStateText(long state)
{
   if(state == ORDER_STATE_STARTED) return "started";
   if(state == ORDER_STATE_PLACED) return "placed";
   if(state == ORDER_STATE_CANCELED) return "canceled";
   if(state == ORDER_STATE_PARTIAL) return "partial";
   if(state == ORDER_STATE_FILLED) return "filled";
   if(state == ORDER_STATE_REJECTED) return "rejected";
   if(state == ORDER_STATE_EXPIRED) return "expired";
   return "busy";
}

string DealTypeText(long type)
{
   if(type == DEAL_TYPE_BUY) return "buy";
   if(type == DEAL_TYPE_SELL) return "sell";
   if(type == DEAL_TYPE_BALANCE) return "balance";
   if(type == DEAL_TYPE_CREDIT) return "credit";
   if(type == DEAL_TYPE_CHARGE) return "charge";
   if(type == DEAL_TYPE_CORRECTION) return "correction";
   if(type == DEAL_TYPE_BONUS) return "bonus";
   if(type == DEAL_TYPE_COMMISSION || type == DEAL_TYPE_COMMISSION_DAILY) return "commission";
   if(type == DEAL_TYPE_COMMISSION_MONTHLY || type == DEAL_TYPE_COMMISSION_AGENT_DAILY) return "commission";
   if(type == DEAL_TYPE_COMMISSION_AGENT_MONTHLY) return "commission";
   if(type == DEAL_TYPE_BUY_CANCELED || type == DEAL_TYPE_SELL_CANCELED) return "canceled";
   return "other";
}

string EntryText(long entry)
{
   if(entry == DEAL_ENTRY_OUT) return "out";
   if(entry == DEAL_ENTRY_INOUT) return "inout";
   if(entry == DEAL_ENTRY_OUT_BY) return "out_by";
   return "in";
}

// ---- rows: empty when the thing is not there ---------------------------------------------------------------

string RowOf(long req, int kind, long ticket)
{
   if(kind == ROW_ORDER)
      return OrderRow(req, (ulong)ticket, false);
   if(kind == ROW_DONE)
      return OrderRow(req, (ulong)ticket, true);
   if(kind == ROW_POSITION)
      return PositionRow(req, (ulong)ticket);
   return DealRow(req, (ulong)ticket);
}

long OrderWhole(ulong ticket, bool done, ENUM_ORDER_PROPERTY_INTEGER what)
{
   if(done)
      return HistoryOrderGetInteger(ticket, what);
   return OrderGetInteger(what);
}

double OrderNumber(ulong ticket, bool done, ENUM_ORDER_PROPERTY_DOUBLE what)
{
   if(done)
      return HistoryOrderGetDouble(ticket, what);
   return OrderGetDouble(what);
}

string OrderWords(ulong ticket, bool done, ENUM_ORDER_PROPERTY_STRING what)
{
   if(done)
      return HistoryOrderGetString(ticket, what);
   return OrderGetString(what);
}

string OrderRow(long req, ulong ticket, bool done)
{
   bool there = false;
   if(done)
      there = HistoryOrderSelect(ticket);
   else
      there = OrderSelect(ticket);
   if(!there)
      return "";
   string symbol = OrderWords(ticket, done, ORDER_SYMBOL);
   int digits = DigitsOf(symbol);
   string row = "ORDERROW|" + IntegerToString(req) + "|" + IntegerToString((long)ticket) + "|" + CleanText(symbol, 100);
   row += "|" + OrderTypeText(OrderWhole(ticket, done, ORDER_TYPE)) + "|" + OrderStateText(OrderWhole(ticket, done, ORDER_STATE));
   row += "|" + LotsText(OrderNumber(ticket, done, ORDER_VOLUME_INITIAL));
   row += "|" + LotsText(OrderNumber(ticket, done, ORDER_VOLUME_CURRENT));
   row += "|" + PriceText(OrderNumber(ticket, done, ORDER_PRICE_OPEN), digits);
   row += "|" + PriceText(OrderNumber(ticket, done, ORDER_PRICE_STOPLIMIT), digits);
   row += "|" + PriceText(OrderNumber(ticket, done, ORDER_SL), digits) + "|" + PriceText(OrderNumber(ticket, done, ORDER_TP), digits);
   row += "|" + TicketText(OrderWhole(ticket, done, ORDER_TIME_EXPIRATION) * 1000);
   row += "|" + IntegerToString(OrderWhole(ticket, done, ORDER_TIME_SETUP_MSC));
   row += "|" + TicketText(OrderWhole(ticket, done, ORDER_TIME_DONE_MSC));
   row += "|" + TicketText(OrderWhole(ticket, done, ORDER_POSITION_ID));
   row += "|" + IntegerToString(OrderWhole(ticket, done, ORDER_MAGIC));
   return row + "|" + CleanText(OrderWords(ticket, done, ORDER_COMMENT), 100);
}

string PositionRow(long req, ulong ticket)
{
   if(!PositionSelectByTicket(ticket))
      return "";
   string symbol = PositionGetString(POSITION_SYMBOL);
   int digits = DigitsOf(symbol);
   string side = "sell";
   if(PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY)
      side = "buy";
   string row = "POSITIONROW|" + IntegerToString(req) + "|" + IntegerToString((long)ticket) + "|" + CleanText(symbol, 100);
   row += "|" + side + "|" + LotsText(PositionGetDouble(POSITION_VOLUME));
   row += "|" + AverageText(PositionGetDouble(POSITION_PRICE_OPEN), digits);
   row += "|" + PriceText(PositionGetDouble(POSITION_SL), digits) + "|" + PriceText(PositionGetDouble(POSITION_TP), digits);
   row += "|" + IntegerToString(PositionGetInteger(POSITION_TIME_MSC));
   row += "|" + MoneyText(PositionGetDouble(POSITION_PROFIT)) + "|" + MoneyText(PositionGetDouble(POSITION_SWAP));
   row += "|" + IntegerToString(PositionGetInteger(POSITION_MAGIC));
   return row + "|" + CleanText(PositionGetString(POSITION_COMMENT), 100) + "|";
}

string DealRow(long req, ulong ticket)
{
   if(!HistoryDealSelect(ticket))
      return "";
   string symbol = HistoryDealGetString(ticket, DEAL_SYMBOL);
   string row = "DEALROW|" + IntegerToString(req) + "|" + IntegerToString((long)ticket);
   row += "|" + TicketText(HistoryDealGetInteger(ticket, DEAL_ORDER));
   row += "|" + TicketText(HistoryDealGetInteger(ticket, DEAL_POSITION_ID)) + "|" + CleanText(symbol, 100);
   row += "|" + DealTypeText(HistoryDealGetInteger(ticket, DEAL_TYPE)) + "|" + EntryText(HistoryDealGetInteger(ticket, DEAL_ENTRY));
   row += "|" + LotsText(HistoryDealGetDouble(ticket, DEAL_VOLUME));
   row += "|" + AverageText(HistoryDealGetDouble(ticket, DEAL_PRICE), DigitsOf(symbol));
   row += "|" + IntegerToString(HistoryDealGetInteger(ticket, DEAL_TIME_MSC));
   row += "|" + MoneyText(HistoryDealGetDouble(ticket, DEAL_PROFIT)) + "|" + MoneyText(HistoryDealGetDouble(ticket, DEAL_COMMISSION));
   row += "|" + MoneyText(HistoryDealGetDouble(ticket, DEAL_SWAP)) + "|" + MoneyText(HistoryDealGetDouble(ticket, DEAL_FEE));
   row += "|" + IntegerToString(HistoryDealGetInteger(ticket, DEAL_MAGIC));
   return row + "|" + CleanText(HistoryDealGetString(ticket, DEAL_COMMENT), 100);
}

// ---- which -----------------------------------------------------------------------------------------------------

void GatherOpen(Answer &answer)
{
   for(int i = 0; i < OrdersTotal(); i++)
   {
      ulong order = OrderGetTicket(i);
      if(order > 0)
         AnswerAdd(answer, ROW_ORDER, (long)order, 0);
   }
   for(int k = 0; k < PositionsTotal(); k++)
   {
      ulong position = PositionGetTicket(k);
      if(position > 0)
         AnswerAdd(answer, ROW_POSITION, (long)position, 0);
   }
}

// Deals and done orders of a time; the select of single ones later would change the terminal's list, so it is copied.
void GatherHistory(Answer &answer, long from_ms, long to_ms, string symbol)
{
   datetime end = TimeTradeServer() + AHEAD_S;
   answer.span = HistorySpan(end);
   if(to_ms > 0)
      end = (datetime)((to_ms + 999) / 1000);
   if(!HistorySelect((datetime)(from_ms / 1000), end))
   {
      answer.complete = false;
      return;
   }
   for(int i = 0; i < HistoryDealsTotal(); i++)
   {
      ulong deal = HistoryDealGetTicket(i);
      if(deal == 0)
      {
         answer.complete = false;
         continue;
      }
      if(StringLen(symbol) > 0 && HistoryDealGetString(deal, DEAL_SYMBOL) != symbol)
         continue;
      long time = HistoryDealGetInteger(deal, DEAL_TIME_MSC);
      if(IsWithin(time, from_ms, to_ms))
         AnswerAdd(answer, ROW_DEAL, (long)deal, time);
   }
   for(int k = 0; k < HistoryOrdersTotal(); k++)
   {
      ulong order = HistoryOrderGetTicket(k);
      if(order == 0)
      {
         answer.complete = false;
         continue;
      }
      if(StringLen(symbol) > 0 && HistoryOrderGetString(order, ORDER_SYMBOL) != symbol)
         continue;
      long done = HistoryOrderGetInteger(order, ORDER_TIME_DONE_MSC);
      if(IsWithin(done, from_ms, to_ms))
         AnswerAdd(answer, ROW_DONE, (long)order, done);
   }
}

bool IsWithin(long time, long from_ms, long to_ms)
{
   return time >= from_ms && (to_ms == 0 || time <= to_ms);
}

// Time of the oldest deal or done order that the terminal has, ms; 0 when it has none.
long HistorySpan(datetime end)
{
   long oldest = 0;
   if(!HistorySelect(0, end))
      return 0;
   if(HistoryDealsTotal() > 0)
      oldest = HistoryDealGetInteger(HistoryDealGetTicket(0), DEAL_TIME_MSC);
   if(HistoryOrdersTotal() > 0)
   {
      long order = HistoryOrderGetInteger(HistoryOrderGetTicket(0), ORDER_TIME_SETUP_MSC);
      if(oldest == 0 || order < oldest)
         oldest = order;
   }
   return oldest;
}
