// Ticks of MetaTrader 4: the newest one alone; what the tick volume tells of others is counted as missed; by Subscriptions.

#define READS_MOST 3

// A new subscription begins with the newest tick; ticks before it are no business of ours.
void TicksBegin(int at)
{
   gSubs[at].bar = (long)iTime(gSubs[at].symbol, PERIOD_M1, 0);
   gSubs[at].told = MathMax(iVolume(gSubs[at].symbol, PERIOD_M1, 0) - 1, (long)0);
   SayPresent(at);
}

// Sends the newest tick when it is new.
void TicksRead(int at)
{
   MqlTick tick;
   long bar = 0;
   long volume = 0;
   // A tick that comes between the two reads would be counted as missed and sent as well.
   for(int turn = 0; turn < READS_MOST; turn++)
   {
      bar = (long)iTime(gSubs[at].symbol, PERIOD_M1, 0);
      volume = iVolume(gSubs[at].symbol, PERIOD_M1, 0);
      if(!SymbolInfoTick(gSubs[at].symbol, tick) || tick.time == 0)
         return;
      if((long)iTime(gSubs[at].symbol, PERIOD_M1, 0) == bar && iVolume(gSubs[at].symbol, PERIOD_M1, 0) == volume)
         break;
   }
   // A new bar ends the counting of the old one.
   if(bar != gSubs[at].bar)
   {
      gSubs[at].bar = bar;
      gSubs[at].told = 0;
   }
   long fresh = volume - gSubs[at].told;
   bool moved = tick.bid != gSubs[at].bid || tick.ask != gSubs[at].ask || (long)tick.time != gSubs[at].time;
   if(fresh <= 0 && !moved)
      return;
   if(fresh > 0)
   {
      gSubs[at].missed += fresh - 1;
      gSubs[at].told = volume;
   }
   else
      gSubs[at].told++;   // the price came before its volume: that one is told already
   gSubs[at].bid = tick.bid;
   gSubs[at].ask = tick.ask;
   gSubs[at].time = (long)tick.time;
   TickSend(at, tick);
}

void TickSend(int at, MqlTick &tick)
{
   int digits = DigitsOf(gSubs[at].symbol);
   string body = "TICKS|" + IntegerToString(gSubs[at].sub) + "|" + IntegerToString(gSubs[at].next);
   body += "|" + IntegerToString(gSubs[at].missed) + "|" + IntegerToString(MonoMs());
   body += "|" + IntegerToString((long)tick.time * 1000) + "|" + PriceText(tick.bid, digits);
   body += "|" + PriceText(tick.ask, digits) + "|||6";
   SendBare(body);
   gSubs[at].next++;
}
