// What the engine wants ticks of: SUBSCRIBE, SYMBOL, NOSYMBOL, and whose turn it is to be read; by Bridge.

#define SUBSCRIPTIONS_MOST 1024
#define TICKS_MS 50
#define TERMS_MS 2000
#define SKIP_MOST 100000

struct Subscription
{
   int    sub;
   string symbol;
   string terms;      // SYMBOL as it was sent last
   long   terms_at;
   long   from;       // time of the last tick sent, or where to begin
   long   skip;       // so many ticks of exactly that time are behind us
   long   asked;      // from_server of SUBSCRIBE until the first read, then 0
   long   next;       // number of the next tick
   long   missed;
   bool   present;
   int    failures;
   long   retry_at;
   long   bar;        // MetaTrader 4: minute bar and how many of its ticks were told or counted
   long   told;
   double bid;
   double ask;
   long   time;
};

Subscription gSubs[];
int gSubTurn = 0;

void SubscriptionsClear()
{
   ArrayResize(gSubs, 0);
   gSubTurn = 0;
}

int SubscriptionFind(long sub)
{
   for(int i = 0; i < ArraySize(gSubs); i++)
      if(gSubs[i].sub == sub)
         return i;
   return -1;
}

string TakeSubscribe(string &fields[], int count)
{
   long sub = 0;
   long from = 0;
   long skip = 0;
   if(count != 6 || !ReadCount(fields[2], 1, 65535, sub) || StringLen(fields[3]) == 0)
      return "SUBSCRIBE with a wrong field";
   if(!ReadCount(fields[4], 0, TIME_MOST, from) || !ReadCount(fields[5], 0, WHOLE_MOST, skip))
      return "SUBSCRIBE with a wrong field";
   if(SubscriptionFind(sub) >= 0)
      return "SUBSCRIBE of a number that is in use";
   string symbol = fields[3];
   string refused = "";
   if(ArraySize(gSubs) >= SUBSCRIPTIONS_MOST)
      refused = "more than 1024 symbols";
   else if(skip > SKIP_MOST)
      refused = "more than 100000 ticks to skip";
   else if(!SymbolSelect(symbol, true))
      refused = "unknown symbol";
   if(StringLen(refused) > 0)
   {
      Send("NOSYMBOL|" + fields[2] + "|" + symbol + "|" + refused);
      return "";
   }
   int at = ArraySize(gSubs);
   ArrayResize(gSubs, at + 1);
   gSubs[at].sub = (int)sub;
   gSubs[at].symbol = symbol;
   gSubs[at].terms = "";
   gSubs[at].terms_at = 0;
   gSubs[at].from = from;
   gSubs[at].skip = skip;
   gSubs[at].asked = from;
   gSubs[at].next = 1;
   gSubs[at].missed = 0;
   gSubs[at].present = false;
   gSubs[at].failures = 0;
   gSubs[at].retry_at = 0;
   gSubs[at].bar = 0;
   gSubs[at].told = 0;
   gSubs[at].bid = 0.0;
   gSubs[at].ask = 0.0;
   gSubs[at].time = 0;
   SayTerms(at);
   TicksBegin(at);
   return "";
}

string TakeUnsubscribe(string &fields[], int count)
{
   long sub = 0;
   if(count != 3 || !ReadCount(fields[2], 1, 65535, sub))
      return "UNSUBSCRIBE with a wrong field";
   int at = SubscriptionFind(sub);
   if(at < 0)
      return "";
   int last = ArraySize(gSubs) - 1;
   for(int i = at; i < last; i++)
      gSubs[i] = gSubs[i + 1];
   ArrayResize(gSubs, last);
   return "";
}

// Sends SYMBOL when it is not as it was sent last.
void SayTerms(int at)
{
   string terms = TermsOf(gSubs[at].symbol);
   gSubs[at].terms_at = MonoMs();
   if(terms == gSubs[at].terms)
      return;
   gSubs[at].terms = terms;
   Send("SYMBOL|" + IntegerToString(gSubs[at].sub) + "|" + terms);
}

string TermsOf(string symbol)
{
   int digits = DigitsOf(symbol);
   string text = symbol + "|" + IntegerToString(digits);
   text += "|" + NumberText(SymbolInfoDouble(symbol, SYMBOL_POINT), 0, 9);
   text += "|" + NumberText(SymbolInfoDouble(symbol, SYMBOL_TRADE_TICK_SIZE), 0, 9);
   text += "|" + NumberText(SymbolInfoDouble(symbol, SYMBOL_TRADE_TICK_VALUE), 0, 8);
   text += "|" + NumberText(SymbolInfoDouble(symbol, SYMBOL_TRADE_CONTRACT_SIZE), 0, 8);
   text += "|" + LotsText(SymbolInfoDouble(symbol, SYMBOL_VOLUME_MIN));
   text += "|" + LotsText(SymbolInfoDouble(symbol, SYMBOL_VOLUME_MAX));
   text += "|" + LotsText(SymbolInfoDouble(symbol, SYMBOL_VOLUME_STEP));
   text += "|" + IntegerToString(SymbolInfoInteger(symbol, SYMBOL_TRADE_STOPS_LEVEL));
   text += "|" + IntegerToString(SymbolInfoInteger(symbol, SYMBOL_TRADE_FREEZE_LEVEL));
   text += "|" + IntegerToString(FillingBits(symbol)) + "|" + ExecutionText(symbol) + "|" + TradeModeText(symbol);
   text += "|" + CleanText(SymbolInfoString(symbol, SYMBOL_CURRENCY_BASE), 20);
   text += "|" + CleanText(SymbolInfoString(symbol, SYMBOL_CURRENCY_PROFIT), 20);
   text += "|" + CleanText(SymbolInfoString(symbol, SYMBOL_CURRENCY_MARGIN), 20);
   return text;
}

string ExecutionText(string symbol)
{
   long execution = SymbolInfoInteger(symbol, SYMBOL_TRADE_EXEMODE);
   if(execution == SYMBOL_TRADE_EXECUTION_REQUEST)
      return "request";
   if(execution == SYMBOL_TRADE_EXECUTION_INSTANT)
      return "instant";
   if(execution == SYMBOL_TRADE_EXECUTION_EXCHANGE)
      return "exchange";
   return "market";
}

// A mode that is none of these allows nothing.
string TradeModeText(string symbol)
{
   long mode = SymbolInfoInteger(symbol, SYMBOL_TRADE_MODE);
   if(mode == SYMBOL_TRADE_MODE_FULL)
      return "full";
   if(mode == SYMBOL_TRADE_MODE_LONGONLY)
      return "long";
   if(mode == SYMBOL_TRADE_MODE_SHORTONLY)
      return "short";
   if(mode == SYMBOL_TRADE_MODE_CLOSEONLY)
      return "close";
   return "disabled";
}

void SayPresent(int at)
{
   gSubs[at].present = true;
   Send("PRESENT|" + IntegerToString(gSubs[at].sub) + "|" + IntegerToString(gSubs[at].next));
}

// Reads the subscriptions in turn while there is room to send, at most 50 ms; the next turn goes on behind the last.
void TicksTurn()
{
   long began = MonoMs();
   int count = ArraySize(gSubs);
   for(int turn = 0; turn < count && OutboxRoom() > BUSY_BYTES; turn++)
   {
      if(MonoMs() - began > TICKS_MS)
         return;
      gSubTurn = (gSubTurn + 1) % count;
      if(MonoMs() - gSubs[gSubTurn].terms_at >= TERMS_MS)
         SayTerms(gSubTurn);
      TicksRead(gSubTurn);
   }
}
