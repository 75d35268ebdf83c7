// Orders of MetaTrader 4's pool and history as orders, positions and deals, and which of them an answer holds; by Answers and Pool.

// Partial closes of the history looked at last: `child` is what was left of `parent`.
long gChild[];
long gParent[];

string OpTypeText(int type)
{
   if(type == OP_BUY) return "buy";
   if(type == OP_SELL) return "sell";
   if(type == OP_BUYLIMIT) return "buy_limit";
   if(type == OP_SELLLIMIT) return "sell_limit";
   if(type == OP_BUYSTOP) return "buy_stop";
   return "sell_stop";
}

bool IsMarketOp(int type)
{
   return type == OP_BUY || type == OP_SELL;
}

bool IsPendingOp(int type)
{
   return type > OP_SELL && type <= OP_SELLSTOP;
}

// The ticket behind "from #" or "to #" in a comment, 0 when there is none.
long TicketIn(string comment, string mark)
{
   int at = StringFind(comment, mark);
   if(at < 0)
      return 0;
   long ticket = 0;
   for(int i = at + StringLen(mark); i < StringLen(comment) && ticket < INT_MAX; i++)
   {
      int digit = (int)StringGetCharacter(comment, i) - '0';
      if(digit < 0 || digit > 9)
         break;
      ticket = 10 * ticket + digit;
   }
   return ticket;
}

bool SelectTicket(long ticket)
{
   return ticket > 0 && ticket <= INT_MAX && OrderSelect((int)ticket, SELECT_BY_TICKET);
}

// ---- rows: empty when the thing is not there, or is something else by now --------------------------------

string RowOf(long req, int kind, long ticket)
{
   if(!SelectTicket(ticket))
      return "";
   int type = OrderType();
   bool closed = OrderCloseTime() > 0;
   if(kind == ROW_ORDER && IsPendingOp(type) && !closed)
      return OrderRow(req, type, "placed");
   if(kind == ROW_DONE && IsPendingOp(type) && closed)
      return OrderRow(req, type, EndText());
   if(kind == ROW_POSITION && IsMarketOp(type) && !closed)
      return PositionRow(req);
   if(kind == ROW_CLOSE && IsMarketOp(type) && closed)
      return CloseRow(req);
   if(kind == ROW_DEAL && !IsPendingOp(type))
      return DealRow(req);
   return "";
}

// How the selected pending order ended.
string EndText()
{
   bool due = OrderExpiration() > 0 && OrderCloseTime() >= OrderExpiration();
   if(due || StringFind(OrderComment(), "expiration") >= 0)
      return "expired";
   return "canceled";
}

string OrderRow(long req, int type, string state)
{
   int digits = DigitsOf(OrderSymbol());
   bool filled = state == "filled";
   string row = "ORDERROW|" + IntegerToString(req) + "|" + IntegerToString(OrderTicket()) + "|" + CleanText(OrderSymbol(), 100);
   row += "|" + OpTypeText(type) + "|" + state + "|" + LotsText(OrderLots()) + "|";
   if(filled)
      row += LotsText(0.0);
   else
      row += LotsText(OrderLots());
   row += "|" + PriceText(OrderOpenPrice(), digits) + "||" + PriceText(OrderStopLoss(), digits);
   row += "|" + PriceText(OrderTakeProfit(), digits) + "|" + TicketText((long)OrderExpiration() * 1000);
   row += "|" + IntegerToString((long)OrderOpenTime() * 1000);
   if(filled)
      row += "|" + IntegerToString((long)OrderOpenTime() * 1000) + "|" + IntegerToString(OrderTicket());
   else
      row += "|" + TicketText((long)OrderCloseTime() * 1000) + "|";
   return row + "|" + IntegerToString(OrderMagicNumber()) + "|" + CleanText(OrderComment(), 100);
}

string PositionRow(long req)
{
   int digits = DigitsOf(OrderSymbol());
   string row = "POSITIONROW|" + IntegerToString(req) + "|" + IntegerToString(OrderTicket()) + "|" + CleanText(OrderSymbol(), 100);
   row += "|" + OpTypeText(OrderType()) + "|" + LotsText(OrderLots()) + "|" + AverageText(OrderOpenPrice(), digits);
   row += "|" + PriceText(OrderStopLoss(), digits) + "|" + PriceText(OrderTakeProfit(), digits);
   row += "|" + IntegerToString((long)OrderOpenTime() * 1000) + "|" + MoneyText(OrderProfit()) + "|" + MoneyText(OrderSwap());
   row += "|" + IntegerToString(OrderMagicNumber()) + "|" + CleanText(OrderComment(), 100);
   return row + "|" + TicketText(TicketIn(OrderComment(), "from #"));
}

// The opening of the selected order. Its costs are final when it is closed: the closing tells them, once.
string DealRow(long req)
{
   int type = OrderType();
   string ticket = IntegerToString(OrderTicket());
   string row = "DEALROW|" + IntegerToString(req) + "|" + ticket;
   if(IsMarketOp(type))
   {
      row += "|" + ticket + "|" + ticket + "|" + CleanText(OrderSymbol(), 100) + "|" + OpTypeText(type);
      string price = AverageText(OrderOpenPrice(), DigitsOf(OrderSymbol()));
      row += "|in|" + LotsText(OrderLots() + LotsLeftOf(OrderTicket())) + "|" + price;
      row += "|" + IntegerToString((long)OrderOpenTime() * 1000) + "|||";
   }
   else
   {
      string kind = "other";
      if(type == 6)
         kind = "balance";
      if(type == 7)
         kind = "credit";
      row += "||||" + kind + "|in|0.00||" + IntegerToString((long)OrderOpenTime() * 1000) + "|" + MoneyText(OrderProfit()) + "||";
   }
   return row + "||" + IntegerToString(OrderMagicNumber()) + "|" + CleanText(OrderComment(), 100);
}

// The closing of the selected order: a deal of the other side, under its number with a minus.
string CloseRow(long req)
{
   string ticket = IntegerToString(OrderTicket());
   string side = "buy";
   if(OrderType() == OP_BUY)
      side = "sell";
   string row = "DEALROW|" + IntegerToString(req) + "|-" + ticket + "|" + ticket + "|" + ticket;
   row += "|" + CleanText(OrderSymbol(), 100) + "|" + side + "|out|" + LotsText(OrderLots());
   row += "|" + AverageText(OrderClosePrice(), DigitsOf(OrderSymbol())) + "|" + IntegerToString((long)OrderCloseTime() * 1000);
   row += "|" + MoneyText(OrderProfit()) + "|" + MoneyText(OrderCommission()) + "|" + MoneyText(OrderSwap());
   return row + "||" + IntegerToString(OrderMagicNumber()) + "|" + CleanText(OrderComment(), 100);
}

// ---- which ---------------------------------------------------------------------------------------------------

void GatherOpen(Answer &answer)
{
   for(int i = 0; i < OrdersTotal(); i++)
   {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_TRADES))
         continue;
      if(IsMarketOp(OrderType()))
         AnswerAdd(answer, ROW_POSITION, OrderTicket(), 0);
      else if(IsPendingOp(OrderType()))
         AnswerAdd(answer, ROW_ORDER, OrderTicket(), 0);
   }
}

void GatherHistory(Answer &answer, long from_ms, long to_ms, string symbol)
{
   int done = OrdersHistoryTotal();
   ArrayResize(gChild, 0);
   ArrayResize(gParent, 0);
   for(int i = 0; i < done; i++)
   {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_HISTORY))
      {
         answer.complete = false;
         continue;
      }
      // The tab shows by time of closing, so that is what its beginning is measured by.
      long closed = (long)OrderCloseTime() * 1000;
      if(closed > 0 && (answer.span == 0 || closed < answer.span))
         answer.span = closed;
      LinkAdd(TicketIn(OrderComment(), "to #"), OrderTicket());
      LinkAdd(OrderTicket(), TicketIn(OrderComment(), "from #"));
   }
   for(int k = 0; k < OrdersTotal(); k++)
      if(OrderSelect(k, SELECT_BY_POS, MODE_TRADES))
         LinkAdd(OrderTicket(), TicketIn(OrderComment(), "from #"));
   // Whether the tab was set to show all, no program can see.
   if(answer.span == 0 || answer.span > from_ms)
   {
      answer.complete = false;
      TellOnce("the tab Account History does not reach back far enough to prove what was not done: right-click into it, All History.");
   }
   for(int m = 0; m < done; m++)
      if(OrderSelect(m, SELECT_BY_POS, MODE_HISTORY))
         GatherSelected(answer, from_ms, to_ms, symbol);
   for(int n = 0; n < OrdersTotal(); n++)
      if(OrderSelect(n, SELECT_BY_POS, MODE_TRADES))
         GatherSelected(answer, from_ms, to_ms, symbol);
}

// Adds what the selected order tells within the time.
void GatherSelected(Answer &answer, long from_ms, long to_ms, string symbol)
{
   if(StringLen(symbol) > 0 && OrderSymbol() != symbol)
      return;
   int type = OrderType();
   long ticket = OrderTicket();
   long opened = (long)OrderOpenTime() * 1000;
   long closed = (long)OrderCloseTime() * 1000;
   if(IsPendingOp(type))
   {
      if(closed > 0 && IsWithin(closed, from_ms, to_ms))
         AnswerAdd(answer, ROW_DONE, ticket, closed);
      return;
   }
   if(IsWithin(opened, from_ms, to_ms) && ParentOf(ticket) == 0)
      AnswerAdd(answer, ROW_DEAL, ticket, opened);
   if(IsMarketOp(type) && closed > 0 && IsWithin(closed, from_ms, to_ms))
      AnswerAdd(answer, ROW_CLOSE, ticket, closed);
}

bool IsWithin(long time, long from_ms, long to_ms)
{
   return time >= from_ms && (to_ms == 0 || time <= to_ms);
}

void LinkAdd(long child, long parent)
{
   // A child is younger than its parent, so no chain is a ring.
   if(parent == 0 || child <= parent || ParentOf(child) != 0)
      return;
   int at = ArraySize(gChild);
   ArrayResize(gChild, at + 1);
   ArrayResize(gParent, at + 1);
   gChild[at] = child;
   gParent[at] = parent;
}

// The lots that partial closes have moved from a ticket to its children; leaves the ticket selected.
double LotsLeftOf(long ticket)
{
   double lots = 0.0;
   for(int i = 0; i < ArraySize(gChild); i++)
      if(gParent[i] == ticket && SelectTicket(gChild[i]))
         lots += OrderLots() + LotsLeftOf(gChild[i]);
   SelectTicket(ticket);
   return lots;
}

long ParentOf(long child)
{
   for(int i = 0; i < ArraySize(gChild); i++)
      if(gChild[i] == child)
         return gParent[i];
   return 0;
}
