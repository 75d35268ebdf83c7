// Commands done at MetaTrader 4: new orders, changes, closes, deletions, and the search for what was done already; by Commands.

#define SEARCH_S 86400
#define LOTS_EQUAL 0.000000001

// The class of an error; whatever is not known to have had no effect is `unknown`.
string ResultOfError(int error)
{
   if(error == 135 || error == 136 || error == 138)
      return "price";
   if(error == 8 || error == 141 || error == 146)
      return "busy";
   if(error == 3 || error == 5 || error == 64 || error == 65)
      return "rejected";
   if(error >= 129 && error <= 134)
      return "rejected";
   if(error == 139 || error == 140 || error == 145)
      return "rejected";
   if(error >= 147 && error <= 150)
      return "rejected";
   return "unknown";
}

// ---- not twice ---------------------------------------------------------------------------------------

// Looks for what an id has opened; true with the answer when the command must not be executed.
// A closing leaves no id here: Commands knows those of this run, and a closed ticket refuses by itself.
bool TradeFind(Command &command, Outcome &outcome)
{
   if(command.name != "OPEN")
      return false;
   for(int i = OrdersTotal() - 1; i >= 0; i--)
      if(OrderSelect(i, SELECT_BY_POS, MODE_TRADES) && FoundSelected(command, outcome, "an order of the pool"))
         return true;
   datetime since = TimeCurrent() - SEARCH_S;
   for(int k = OrdersHistoryTotal() - 1; k >= 0; k--)
      if(OrderSelect(k, SELECT_BY_POS, MODE_HISTORY) && OrderCloseTime() >= since && FoundSelected(command, outcome, "a done order"))
         return true;
   return false;
}

bool FoundSelected(Command &command, Outcome &outcome, string what)
{
   if((long)OrderMagicNumber() != command.magic || StringFind(OrderComment(), command.id) != 0)
      return false;
   OutcomeSet(outcome, "duplicate", what + " with this id is there already");
   outcome.order = OrderTicket();
   if(IsMarketOp(OrderType()))
      outcome.position = OrderTicket();
   return true;
}

// ---- doing ---------------------------------------------------------------------------------------------

void TradeDo(Command &command, Outcome &outcome)
{
   string fault = "";
   if(command.ticket > INT_MAX || command.other > INT_MAX || command.position != 0)
      fault = "wrong field: a number that MetaTrader 4 does not have";
   else if(command.name == "OPEN")
      fault = DoOpen(command, outcome);
   else if(command.name == "MODIFY")
      fault = DoModify(command, outcome);
   else if(command.name == "CLOSE")
      fault = DoClose(command, outcome);
   else if(command.name == "CLOSEBY")
      fault = DoCloseBy(command, outcome);
   else
      fault = DoDelete(command, outcome);
   if(StringLen(fault) > 0)
      OutcomeSet(outcome, "refused", fault);
}

// Says what came of a call that returned true or false.
void OutcomeOf(Outcome &outcome, bool done, int error)
{
   if(done)
   {
      OutcomeSet(outcome, "done", "");
      return;
   }
   outcome.retcode = error;
   OutcomeSet(outcome, ResultOfError(error), "error " + IntegerToString(error));
}

// Adds the prices of now.
void PricesOf(string symbol, Outcome &outcome)
{
   RefreshRates();
   outcome.digits = DigitsOf(symbol);
   outcome.bid = SymbolInfoDouble(symbol, SYMBOL_BID);
   outcome.ask = SymbolInfoDouble(symbol, SYMBOL_ASK);
}

int OperationOf(string kind, bool buy)
{
   if(kind == "limit")
   {
      if(buy) return OP_BUYLIMIT;
      return OP_SELLLIMIT;
   }
   if(kind == "stop")
   {
      if(buy) return OP_BUYSTOP;
      return OP_SELLSTOP;
   }
   if(buy) return OP_BUY;
   return OP_SELL;
}

// The price of now that a market order of this side takes.
double MarketPrice(string symbol, bool buy)
{
   RefreshRates();
   int digits = DigitsOf(symbol);
   if(buy)
      return NormalizeDouble(SymbolInfoDouble(symbol, SYMBOL_ASK), digits);
   return NormalizeDouble(SymbolInfoDouble(symbol, SYMBOL_BID), digits);
}

// When an order ends: a day order with the server's day, which MetaTrader 4 does not know by itself.
datetime ExpirationOf(Command &command)
{
   if(command.time_in_force == "gtd")
      return (datetime)(command.expiration / 1000);
   if(command.time_in_force == "day" && command.kind != "market")
      return (datetime)(((long)TimeCurrent() / 86400 + 1) * 86400 - 1);
   return 0;
}

string DoOpen(Command &command, Outcome &outcome)
{
   if(command.kind == "stop_limit")
      return "wrong field: MetaTrader 4 has no stop_limit orders";
   bool buy = command.side == "buy";
   bool market = command.kind == "market";
   double price = command.price.value;
   if(market)
      price = MarketPrice(command.symbol, buy);
   if(price <= 0.0)
      return "the terminal has no price of this symbol";
   int operation = OperationOf(command.kind, buy);
   ResetLastError();
   int ticket = OrderSend(command.symbol, operation, command.volume.value, price, (int)command.deviation,
                          command.sl.value, command.tp.value, command.id, (int)command.magic, ExpirationOf(command), clrNONE);
   int error = GetLastError();
   PricesOf(command.symbol, outcome);
   if(ticket <= 0)
   {
      OutcomeOf(outcome, false, error);
      return "";
   }
   OutcomeSet(outcome, "placed", "");
   if(market)
   {
      outcome.result = "done";
      outcome.position = ticket;
   }
   outcome.order = ticket;
   PoolExpect(ticket, operation);
   if(SelectTicket(ticket))
   {
      outcome.volume = OrderLots();
      outcome.price = OrderOpenPrice();
   }
   return "";
}

// What a command does not name stays as it is.
double Given(Decimal &number, double otherwise)
{
   if(number.given)
      return number.value;
   return otherwise;
}

string DoModify(Command &command, Outcome &outcome)
{
   bool position = command.what == "position";
   if(!SelectTicket(command.ticket) || OrderCloseTime() > 0 || IsMarketOp(OrderType()) != position)
      return "no such " + command.what;
   double price = OrderOpenPrice();
   datetime expiration = OrderExpiration();
   if(!position)
   {
      price = Given(command.price, price);
      if(command.expiration > 0)
         expiration = (datetime)(command.expiration / 1000);
   }
   double sl = Given(command.sl, OrderStopLoss());
   double tp = Given(command.tp, OrderTakeProfit());
   ResetLastError();
   bool done = OrderModify((int)command.ticket, price, sl, tp, expiration, clrNONE);
   OutcomeOf(outcome, done, GetLastError());
   outcome.order = command.ticket;
   return "";
}

string DoClose(Command &command, Outcome &outcome)
{
   if(!SelectTicket(command.ticket) || OrderCloseTime() > 0 || !IsMarketOp(OrderType()))
      return "no such position";
   if(command.volume.value > OrderLots() + LOTS_EQUAL)
      return "the position is smaller";
   string symbol = OrderSymbol();
   double price = MarketPrice(symbol, OrderType() != OP_BUY);
   ResetLastError();
   bool done = OrderClose((int)command.ticket, command.volume.value, price, (int)command.deviation, clrNONE);
   OutcomeOf(outcome, done, GetLastError());
   outcome.order = command.ticket;
   outcome.position = command.ticket;
   PricesOf(symbol, outcome);
   if(done && SelectTicket(command.ticket) && OrderCloseTime() > 0)
   {
      outcome.volume = OrderLots();
      outcome.price = OrderClosePrice();
   }
   return "";
}

string DoCloseBy(Command &command, Outcome &outcome)
{
   if(!SelectTicket(command.other) || OrderCloseTime() > 0 || !IsMarketOp(OrderType()))
      return "no such other position";
   string symbol = OrderSymbol();
   int type = OrderType();
   if(!SelectTicket(command.ticket) || OrderCloseTime() > 0 || !IsMarketOp(OrderType()))
      return "no such position";
   if(OrderSymbol() != symbol || OrderType() == type)
      return "the positions are of two symbols or of the same side";
   ResetLastError();
   bool done = OrderCloseBy((int)command.ticket, (int)command.other, clrNONE);
   OutcomeOf(outcome, done, GetLastError());
   outcome.order = command.ticket;
   return "";
}

string DoDelete(Command &command, Outcome &outcome)
{
   if(!SelectTicket(command.ticket) || OrderCloseTime() > 0 || !IsPendingOp(OrderType()))
      return "no such order";
   ResetLastError();
   bool done = OrderDelete((int)command.ticket, clrNONE);
   OutcomeOf(outcome, done, GetLastError());
   outcome.order = command.ticket;
   return "";
}
