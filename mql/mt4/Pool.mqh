// What just happened at MetaTrader 4: the pool of orders compared at each timer; by Bridge, and by Trade for what it opened.

#define UNTOLD 100

// The pool as it was told last. A type with UNTOLD added was opened by a command and is still to be told.
long   gPoolTicket[];
int    gPoolType[];
double gPoolLots[];
string gPoolTerms[];
// What has left the pool and is not in history yet.
long   gGoneTicket[];
int    gGoneType[];
long   gGoneUntil[];

// Begins with the pool as it is: the engine asks for that itself.
void NewsClear()
{
   PoolResize(0);
   GoneResize(0);
   for(int i = 0; i < OrdersTotal(); i++)
      if(OrderSelect(i, SELECT_BY_POS, MODE_TRADES))
         PoolAddSelected();
}

void PoolResize(int count)
{
   ArrayResize(gPoolTicket, count);
   ArrayResize(gPoolType, count);
   ArrayResize(gPoolLots, count);
   ArrayResize(gPoolTerms, count);
}

void GoneResize(int count)
{
   ArrayResize(gGoneTicket, count);
   ArrayResize(gGoneType, count);
   ArrayResize(gGoneUntil, count);
}

// What changes when price, stops or expiration of the selected order do.
string TermsNow()
{
   string terms = DoubleToString(OrderStopLoss(), 8) + "|" + DoubleToString(OrderTakeProfit(), 8);
   terms += "|" + IntegerToString((long)OrderExpiration());
   if(OrderType() > OP_SELL)
      terms += "|" + DoubleToString(OrderOpenPrice(), 8);
   return terms;
}

void PoolAdd(long ticket, int type, double lots, string terms)
{
   int at = ArraySize(gPoolTicket);
   PoolResize(at + 1);
   gPoolTicket[at] = ticket;
   gPoolType[at] = type;
   gPoolLots[at] = lots;
   gPoolTerms[at] = terms;
}

void PoolAddSelected()
{
   PoolAdd(OrderTicket(), OrderType(), OrderLots(), TermsNow());
}

int TicketAt(const long &tickets[], long ticket)
{
   for(int i = 0; i < ArraySize(tickets); i++)
      if(tickets[i] == ticket)
         return i;
   return -1;
}

// A command has opened an order: it is told even if it is closed before the next timer.
void PoolExpect(long ticket, int type)
{
   if(TicketAt(gPoolTicket, ticket) < 0)
      PoolAdd(ticket, type + UNTOLD, 0.0, "");
}

// Compares the pool with what was told: first what is gone, then what is new or has changed.
void NewsTurn()
{
   long tickets[];
   int total = OrdersTotal();
   ArrayResize(tickets, total);
   int count = 0;
   for(int i = 0; i < total; i++)
   {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_TRADES))
         continue;
      tickets[count] = OrderTicket();
      count++;
   }
   ArrayResize(tickets, count);
   PoolSweep(tickets);
   GoneTurn();
   for(int k = 0; k < count; k++)
      PoolTell(tickets[k]);
}

// Moves what the pool has no more to the gone; what only slipped while it was counted stays.
void PoolSweep(const long &tickets[])
{
   int kept = 0;
   int count = ArraySize(gPoolTicket);
   for(int i = 0; i < count; i++)
   {
      bool open = TicketAt(tickets, gPoolTicket[i]) >= 0;
      if(!open && SelectTicket(gPoolTicket[i]))
         open = OrderCloseTime() == 0;
      if(!open)
      {
         int at = ArraySize(gGoneTicket);
         GoneResize(at + 1);
         gGoneTicket[at] = gPoolTicket[i];
         gGoneType[at] = gPoolType[i];
         gGoneUntil[at] = MonoMs() + SHOWN_LATE_MS;
         continue;
      }
      gPoolTicket[kept] = gPoolTicket[i];
      gPoolType[kept] = gPoolType[i];
      gPoolLots[kept] = gPoolLots[i];
      gPoolTerms[kept] = gPoolTerms[i];
      kept++;
   }
   PoolResize(kept);
}

// Tells what is gone as soon as history has it, or that it is gone after 30 s with the broker's line up.
void GoneTurn()
{
   int kept = 0;
   int count = ArraySize(gGoneTicket);
   for(int i = 0; i < count; i++)
   {
      if(GoneTell(gGoneTicket[i], gGoneType[i]))
         continue;
      if(!IsOnline())
         gGoneUntil[i] = MonoMs() + SHOWN_LATE_MS;
      if(MonoMs() >= gGoneUntil[i])
      {
         GoneSay(gGoneTicket[i], gGoneType[i] % UNTOLD > OP_SELL);
         continue;
      }
      gGoneTicket[kept] = gGoneTicket[i];
      gGoneType[kept] = gGoneType[i];
      gGoneUntil[kept] = gGoneUntil[i];
      kept++;
   }
   GoneResize(kept);
}

void GoneSay(long ticket, bool pending)
{
   string kind = "position";
   if(pending)
      kind = "order";
   Send("GONE|" + kind + "|" + IntegerToString(ticket));
}

// Tells the end of one order from history; false when it is not there yet.
bool GoneTell(long ticket, int type)
{
   if(!SelectTicket(ticket) || OrderCloseTime() == 0)
      return false;
   int before = type % UNTOLD;
   if(IsPendingOp(OrderType()))
   {
      Send(OrderRow(0, OrderType(), EndText()));
      return true;
   }
   if(IsPendingOp(before))
      Send(OrderRow(0, before, "filled"));
   if(IsPendingOp(before) || type >= UNTOLD)
      Send(DealRow(0));
   Send(CloseRow(0));
   GoneSay(ticket, false);
   return true;
}

// Tells an order of the pool when it is new, has become a market order, or has changed.
void PoolTell(long ticket)
{
   if(!SelectTicket(ticket) || OrderCloseTime() > 0)
      return;
   int at = TicketAt(gPoolTicket, ticket);
   int before = -1;
   if(at >= 0)
      before = gPoolType[at];
   int type = OrderType();
   double lots = OrderLots();
   string terms = TermsNow();
   if(before == type)
   {
      if(lots == gPoolLots[at] && terms == gPoolTerms[at])
         return;
      if(IsMarketOp(type))
         Send(PositionRow(0));
      else
         Send(OrderRow(0, type, "placed"));
   }
   else
      PoolTellNew(type, before);
   if(at < 0)
   {
      PoolAddSelected();
      return;
   }
   gPoolType[at] = type;
   gPoolLots[at] = lots;
   gPoolTerms[at] = terms;
}

// The selected order is new or is a market order now; `before` is its type until now, below 0 for none.
void PoolTellNew(int type, int before)
{
   if(IsPendingOp(type))
   {
      Send(OrderRow(0, type, "placed"));
      return;
   }
   if(before >= 0 && IsPendingOp(before % UNTOLD))
      Send(OrderRow(0, before % UNTOLD, "filled"));
   Send(PositionRow(0));
   // What a partial close has left is no new deal.
   if(TicketIn(OrderComment(), "from #") == 0)
      Send(DealRow(0));
}
