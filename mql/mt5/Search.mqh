// The search for what an order id has done at MetaTrader 5 already; by Commands.

#define SEARCH_S 86400

bool IsSame(Command &command, long magic, string comment)
{
   return magic == command.magic && StringFind(comment, command.id) == 0;
}

void FoundSay(Outcome &outcome, string what, long order, long deal, long position)
{
   OutcomeSet(outcome, "duplicate", what + " with this id is there already");
   outcome.order = order;
   outcome.deal = deal;
   outcome.position = position;
}

// Looks for what an id has done; true with the answer when the command must not be executed.
bool TradeFind(Command &command, Outcome &outcome)
{
   return FindOpen(command, outcome) || FindDone(command, outcome);
}

bool FindOpen(Command &command, Outcome &outcome)
{
   for(int i = OrdersTotal() - 1; i >= 0; i--)
   {
      ulong ticket = OrderGetTicket(i);
      if(ticket == 0 || !IsSame(command, OrderGetInteger(ORDER_MAGIC), OrderGetString(ORDER_COMMENT)))
         continue;
      FoundSay(outcome, "an order", (long)ticket, 0, 0);
      return true;
   }
   for(int k = PositionsTotal() - 1; k >= 0; k--)
   {
      ulong held = PositionGetTicket(k);
      if(held == 0 || !IsSame(command, PositionGetInteger(POSITION_MAGIC), PositionGetString(POSITION_COMMENT)))
         continue;
      FoundSay(outcome, "a position", 0, 0, (long)held);
      return true;
   }
   return false;
}

bool FindDone(Command &command, Outcome &outcome)
{
   datetime now = TimeTradeServer();
   if(!HistorySelect(now - SEARCH_S, now + SEARCH_S))
   {
      OutcomeSet(outcome, "refused", "the terminal's history cannot be read, so nobody knows whether it was done");
      return true;
   }
   for(int i = HistoryDealsTotal() - 1; i >= 0; i--)
   {
      ulong deal = HistoryDealGetTicket(i);
      if(deal == 0 || !IsSame(command, HistoryDealGetInteger(deal, DEAL_MAGIC), HistoryDealGetString(deal, DEAL_COMMENT)))
         continue;
      FoundSay(outcome, "a deal", HistoryDealGetInteger(deal, DEAL_ORDER), (long)deal,
               HistoryDealGetInteger(deal, DEAL_POSITION_ID));
      return true;
   }
   for(int k = HistoryOrdersTotal() - 1; k >= 0; k--)
   {
      ulong order = HistoryOrderGetTicket(k);
      if(order == 0 || !IsSame(command, HistoryOrderGetInteger(order, ORDER_MAGIC), HistoryOrderGetString(order, ORDER_COMMENT)))
         continue;
      FoundSay(outcome, "a done order", (long)order, 0, HistoryOrderGetInteger(order, ORDER_POSITION_ID));
      return true;
   }
   return false;
}
