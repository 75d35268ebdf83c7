// What MetaTrader 5 calls what both dialects have: clocks, kind of account, filling; called by the shared files.

#define PLATFORM "5"

long MonoMs()
{
   return (long)GetTickCount64();
}

long ServerMs()
{
   return (long)TimeTradeServer() * 1000;
}

string MarginMode()
{
   long mode = AccountInfoInteger(ACCOUNT_MARGIN_MODE);
   if(mode == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)
      return "hedging";
   if(mode == ACCOUNT_MARGIN_MODE_EXCHANGE)
      return "exchange";
   return "netting";
}

long PingUs()
{
   return TerminalInfoInteger(TERMINAL_PING_LAST);
}

long OpenOrders()
{
   return OrdersTotal();
}

long OpenPositions()
{
   return PositionsTotal();
}

long FillingBits(string symbol)
{
   return SymbolInfoInteger(symbol, SYMBOL_FILLING_MODE);
}
