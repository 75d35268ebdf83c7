// Commands done at MetaTrader 5: new orders, changes, closes, deletions; by Commands.

// The class of what OrderSend left; whatever is not known to have had no effect is `unknown`.
string ResultOf(uint retcode)
{
   if(retcode == 10008)
      return "placed";
   if(retcode == 10009)
      return "done";
   if(retcode == 10010)
      return "partial";
   if(retcode == 10004 || retcode == 10020 || retcode == 10021)
      return "price";
   if(retcode == 10024)
      return "busy";
   if(retcode == 10006 || retcode == 10007)
      return "rejected";
   if(retcode >= 10013 && retcode <= 10019)
      return "rejected";
   if(retcode == 10022 || retcode == 10023)
      return "rejected";
   if((retcode >= 10025 && retcode <= 10027) || retcode == 10029 || retcode == 10030)
      return "rejected";
   if(retcode >= 10032 && retcode <= 10036)
      return "rejected";
   if(retcode >= 10038 && retcode <= 10046)
      return "rejected";
   return "unknown";
}

void TradeDo(Command &command, Outcome &outcome)
{
   MqlTradeRequest request;
   ZeroMemory(request);
   string fault = "";
   if(command.name == "OPEN")
      fault = FillOpen(command, request);
   else if(command.name == "MODIFY")
      fault = FillModify(command, request);
   else if(command.name == "CLOSE")
      fault = FillClose(command, request);
   else if(command.name == "CLOSEBY")
      fault = FillCloseBy(command, request);
   else
      fault = FillDelete(command, request);
   if(StringLen(fault) > 0)
   {
      OutcomeSet(outcome, "refused", fault);
      return;
   }
   Execute(request, outcome);
}

void Execute(MqlTradeRequest &request, Outcome &outcome)
{
   MqlTradeResult result;
   ZeroMemory(result);
   ResetLastError();
   bool sent = OrderSend(request, result);
   int error = GetLastError();
   // True proves nothing and false neither: the retcode alone speaks.
   outcome.retcode = (long)result.retcode;
   outcome.result = ResultOf(result.retcode);
   outcome.words = result.comment;
   if(!sent && result.retcode == 0)
      outcome.words = "OrderSend failed without an answer, error " + IntegerToString(error);
   outcome.order = (long)result.order;
   outcome.deal = (long)result.deal;
   outcome.position = (long)request.position;
   if(result.deal > 0 && HistoryDealSelect(result.deal))
      outcome.position = HistoryDealGetInteger(result.deal, DEAL_POSITION_ID);
   outcome.digits = DigitsOf(request.symbol);
   outcome.volume = result.volume;
   outcome.price = result.price;
   outcome.bid = result.bid;
   outcome.ask = result.ask;
}

ENUM_ORDER_TYPE_FILLING FillingOf(string filling)
{
   if(filling == "fok")
      return ORDER_FILLING_FOK;
   if(filling == "ioc")
      return ORDER_FILLING_IOC;
   return ORDER_FILLING_RETURN;
}

bool IsFilling(string filling)
{
   return filling == "fok" || filling == "ioc" || filling == "return";
}

ENUM_ORDER_TYPE TypeOf(string kind, bool buy)
{
   if(kind == "limit")
   {
      if(buy) return ORDER_TYPE_BUY_LIMIT;
      return ORDER_TYPE_SELL_LIMIT;
   }
   if(kind == "stop")
   {
      if(buy) return ORDER_TYPE_BUY_STOP;
      return ORDER_TYPE_SELL_STOP;
   }
   if(kind == "stop_limit")
   {
      if(buy) return ORDER_TYPE_BUY_STOP_LIMIT;
      return ORDER_TYPE_SELL_STOP_LIMIT;
   }
   if(buy) return ORDER_TYPE_BUY;
   return ORDER_TYPE_SELL;
}

// The price of now that a market order of this side takes.
double MarketPrice(string symbol, bool buy)
{
   if(buy)
      return SymbolInfoDouble(symbol, SYMBOL_ASK);
   return SymbolInfoDouble(symbol, SYMBOL_BID);
}

string FillOpen(Command &command, MqlTradeRequest &request)
{
   if(!IsFilling(command.filling))
      return "wrong field: filling";
   bool buy = command.side == "buy";
   bool market = command.kind == "market";
   request.action = TRADE_ACTION_PENDING;
   if(market)
      request.action = TRADE_ACTION_DEAL;
   request.magic = (ulong)command.magic;
   request.comment = command.id;
   request.symbol = command.symbol;
   request.volume = command.volume.value;
   request.type = TypeOf(command.kind, buy);
   request.price = command.price.value;
   if(market && !command.price.given)
      request.price = MarketPrice(command.symbol, buy);
   if(request.price <= 0.0)
      return "the terminal has no price of this symbol";
   request.stoplimit = command.stop_limit.value;
   request.sl = command.sl.value;
   request.tp = command.tp.value;
   request.deviation = (ulong)command.deviation;
   request.type_filling = FillingOf(command.filling);
   request.type_time = ORDER_TIME_GTC;
   if(command.time_in_force == "day")
      request.type_time = ORDER_TIME_DAY;
   if(command.time_in_force == "gtd")
   {
      request.type_time = ORDER_TIME_SPECIFIED;
      request.expiration = (datetime)(command.expiration / 1000);
   }
   if(command.position == 0)
      return "";
   request.position = (ulong)command.position;
   if(MarginMode() != "hedging")
      return "wrong field: position on an account that is not hedging";
   if(!PositionSelectByTicket((ulong)command.position))
      return "no such position";
   bool held_buy = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY;
   if(PositionGetString(POSITION_SYMBOL) != command.symbol || held_buy == buy)
      return "the position is of another symbol or of the same side";
   if(command.volume.value > PositionGetDouble(POSITION_VOLUME) + 0.000000001)
      return "the position is smaller";
   return "";
}

// What a command does not name stays as it is.
double Given(Decimal &number, double otherwise)
{
   if(number.given)
      return number.value;
   return otherwise;
}

string FillModify(Command &command, MqlTradeRequest &request)
{
   if(command.what == "position")
   {
      if(!PositionSelectByTicket((ulong)command.ticket))
         return "no such position";
      request.action = TRADE_ACTION_SLTP;
      request.position = (ulong)command.ticket;
      request.symbol = PositionGetString(POSITION_SYMBOL);
      request.sl = Given(command.sl, PositionGetDouble(POSITION_SL));
      request.tp = Given(command.tp, PositionGetDouble(POSITION_TP));
      return "";
   }
   if(!OrderSelect((ulong)command.ticket))
      return "no such order";
   request.action = TRADE_ACTION_MODIFY;
   request.order = (ulong)command.ticket;
   request.symbol = OrderGetString(ORDER_SYMBOL);
   request.price = Given(command.price, OrderGetDouble(ORDER_PRICE_OPEN));
   request.stoplimit = Given(command.stop_limit, OrderGetDouble(ORDER_PRICE_STOPLIMIT));
   request.sl = Given(command.sl, OrderGetDouble(ORDER_SL));
   request.tp = Given(command.tp, OrderGetDouble(ORDER_TP));
   request.type_time = (ENUM_ORDER_TYPE_TIME)OrderGetInteger(ORDER_TYPE_TIME);
   request.expiration = (datetime)OrderGetInteger(ORDER_TIME_EXPIRATION);
   if(command.expiration > 0)
   {
      request.type_time = ORDER_TIME_SPECIFIED;
      request.expiration = (datetime)(command.expiration / 1000);
   }
   return "";
}

string FillClose(Command &command, MqlTradeRequest &request)
{
   if(!IsFilling(command.filling))
      return "wrong field: filling";
   if(!PositionSelectByTicket((ulong)command.ticket))
      return "no such position";
   if(command.volume.value > PositionGetDouble(POSITION_VOLUME) + 0.000000001)
      return "the position is smaller";
   bool buy = PositionGetInteger(POSITION_TYPE) != POSITION_TYPE_BUY;
   request.action = TRADE_ACTION_DEAL;
   request.position = (ulong)command.ticket;
   request.magic = (ulong)command.magic;
   request.comment = command.id;
   request.symbol = PositionGetString(POSITION_SYMBOL);
   request.volume = command.volume.value;
   request.type = TypeOf("market", buy);
   request.price = MarketPrice(request.symbol, buy);
   request.deviation = (ulong)command.deviation;
   request.type_filling = FillingOf(command.filling);
   if(request.price <= 0.0)
      return "the terminal has no price of this symbol";
   return "";
}

string FillCloseBy(Command &command, MqlTradeRequest &request)
{
   if(!PositionSelectByTicket((ulong)command.other))
      return "no such other position";
   if(!PositionSelectByTicket((ulong)command.ticket))
      return "no such position";
   request.action = TRADE_ACTION_CLOSE_BY;
   request.position = (ulong)command.ticket;
   request.position_by = (ulong)command.other;
   request.symbol = PositionGetString(POSITION_SYMBOL);
   return "";
}

string FillDelete(Command &command, MqlTradeRequest &request)
{
   if(!OrderSelect((ulong)command.ticket))
      return "no such order";
   request.action = TRADE_ACTION_REMOVE;
   request.order = (ulong)command.ticket;
   request.symbol = OrderGetString(ORDER_SYMBOL);
   return "";
}
