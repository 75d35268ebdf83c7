// What MetaTrader 4 calls what both dialects have: clocks, kind of account, counts of the pool; called by the shared files.

#define PLATFORM "4"

uint gTickCountLast = 0;
long gTickCountHigh = 0;

// GetTickCount begins again every 49.7 days; each fall adds what it lost.
long MonoMs()
{
   uint now = GetTickCount();
   if(now < gTickCountLast)
      gTickCountHigh += 4294967296;
   gTickCountLast = now;
   return gTickCountHigh + (long)now;
}

// The server's time as far as the last tick tells it.
long ServerMs()
{
   return (long)TimeCurrent() * 1000;
}

string MarginMode()
{
   return "hedging";
}

long PingUs()
{
   return TerminalInfoInteger(TERMINAL_PING_LAST);
}

long PoolCount(bool pending)
{
   long count = 0;
   for(int i = OrdersTotal() - 1; i >= 0; i--)
   {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_TRADES))
         continue;
      if((OrderType() > OP_SELL) == pending)
         count++;
   }
   return count;
}

long OpenOrders()
{
   return PoolCount(true);
}

long OpenPositions()
{
   return PoolCount(false);
}

long FillingBits(string symbol)
{
   return 0;
}
