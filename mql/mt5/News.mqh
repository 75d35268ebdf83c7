// What just happened at MetaTrader 5: trade transactions as rows, later ones again at the next timers; by ThftBridge.

#define WAITING_MOST 1024

// What a transaction named and the terminal did not show yet.
int   gWaitKind[];
long  gWaitTicket[];
long  gWaitUntil[];

void NewsClear()
{
   ArrayResize(gWaitKind, 0);
   ArrayResize(gWaitTicket, 0);
   ArrayResize(gWaitUntil, 0);
}

// Sends a row now, or keeps it for the next timers.
void NewsSay(int kind, long ticket)
{
   string row = NewsRow(kind, ticket);
   if(StringLen(row) > 0)
   {
      Send(row);
      return;
   }
   int at = ArraySize(gWaitKind);
   // What is beyond the bound, the engine finds in its next snapshot.
   if(ticket == 0 || at >= WAITING_MOST)
      return;
   ArrayResize(gWaitKind, at + 1);
   ArrayResize(gWaitTicket, at + 1);
   ArrayResize(gWaitUntil, at + 1);
   gWaitKind[at] = kind;
   gWaitTicket[at] = ticket;
   gWaitUntil[at] = MonoMs() + SHOWN_LATE_MS;
}

// An order that is open no more is told from history.
string NewsRow(int kind, long ticket)
{
   string row = RowOf(0, kind, ticket);
   if(StringLen(row) == 0 && kind == ROW_ORDER)
      row = RowOf(0, ROW_DONE, ticket);
   return row;
}

// Tries again what was not there yet, each for at most 30 s.
void NewsTurn()
{
   int kept = 0;
   int count = ArraySize(gWaitKind);
   for(int i = 0; i < count; i++)
   {
      string row = NewsRow(gWaitKind[i], gWaitTicket[i]);
      if(StringLen(row) > 0)
      {
         Send(row);
         continue;
      }
      if(MonoMs() >= gWaitUntil[i])
         continue;
      gWaitKind[kept] = gWaitKind[i];
      gWaitTicket[kept] = gWaitTicket[i];
      gWaitUntil[kept] = gWaitUntil[i];
      kept++;
   }
   ArrayResize(gWaitKind, kept);
   ArrayResize(gWaitTicket, kept);
   ArrayResize(gWaitUntil, kept);
}

// Takes one transaction; called from OnTradeTransaction.
void NewsTake(const MqlTradeTransaction &trans)
{
   if(gState != AT_OPEN || !SameAccount())
      return;
   if(trans.type == TRADE_TRANSACTION_DEAL_ADD || trans.type == TRADE_TRANSACTION_DEAL_UPDATE)
      NewsSay(ROW_DEAL, (long)trans.deal);
   else if(trans.type == TRADE_TRANSACTION_DEAL_DELETE)
      Send(TakenBackRow(trans));
   else if(trans.type == TRADE_TRANSACTION_ORDER_ADD || trans.type == TRADE_TRANSACTION_ORDER_UPDATE)
      NewsSay(ROW_ORDER, (long)trans.order);
   else if(trans.type == TRADE_TRANSACTION_ORDER_DELETE || trans.type == TRADE_TRANSACTION_HISTORY_ADD)
      NewsSay(ROW_DONE, (long)trans.order);
   else if(trans.type == TRADE_TRANSACTION_POSITION)
   {
      string row = RowOf(0, ROW_POSITION, (long)trans.position);
      if(StringLen(row) > 0)
         Send(row);
   }
   LineFlush();
}

// A deal that was taken back is in no list any more: the transaction alone tells of it.
string TakenBackRow(const MqlTradeTransaction &trans)
{
   string row = "DEALROW|0|" + IntegerToString((long)trans.deal) + "|" + TicketText((long)trans.order);
   row += "|" + TicketText((long)trans.position) + "|" + CleanText(trans.symbol, 100) + "|canceled|in";
   row += "|" + LotsText(trans.volume) + "|" + PriceText(trans.price, DigitsOf(trans.symbol));
   return row + "|" + IntegerToString(ServerMs()) + "|||||0|";
}
