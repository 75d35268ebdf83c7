// Ticks of MetaTrader 5: everything through CopyTicks, from the last sent time on, each once; by Subscriptions.

#define TICKS_A_FRAME 256
#define FRAMES_A_READ 4
#define DAY_MS 86400000
#define FAILURES_MOST 5
#define RETRY_MS 200
#define RETRY_AFTER_GAP_MS 5000
#define TICKS_STILL_LOAD 4403

// Time of the newest tick, 0 while there is none.
long NewestMs(string symbol)
{
   MqlTick tick;
   if(!SymbolInfoTick(symbol, tick))
      return 0;
   return tick.time_msc;
}

// A new subscription: without a time it begins with the newest tick.
void TicksBegin(int at)
{
   if(gSubs[at].from > 0)
      return;
   gSubs[at].skip = 0;
   gSubs[at].from = NewestMs(gSubs[at].symbol);
   if(gSubs[at].from == 0)
      return;
   MqlTick ticks[];
   int count = CopyTicks(gSubs[at].symbol, ticks, COPY_TICKS_ALL, (ulong)gSubs[at].from, TICKS_A_FRAME);
   long same = 0;
   for(int i = 0; i < count && ticks[i].time_msc == gSubs[at].from; i++)
      same++;
   if(same > 0)
      gSubs[at].skip = same - 1;
}

// Reads and sends what is new, at most four frames.
void TicksRead(int at)
{
   if(MonoMs() < gSubs[at].retry_at)
      return;
   if(gSubs[at].from == 0)
   {
      // No tick has ever been there: the first one begins.
      gSubs[at].from = NewestMs(gSubs[at].symbol);
      if(gSubs[at].from == 0)
      {
         if(!gSubs[at].present)
            SayPresent(at);
         return;
      }
   }
   for(int turn = 0; turn < FRAMES_A_READ; turn++)
   {
      MqlTick ticks[];
      uint asked = (uint)(gSubs[at].skip + TICKS_A_FRAME);
      long newest = NewestMs(gSubs[at].symbol);
      ResetLastError();
      int count = CopyTicks(gSubs[at].symbol, ticks, COPY_TICKS_ALL, (ulong)gSubs[at].from, asked);
      // It may bring later ticks while earlier ones still load: those are waited for, the last time it is taken as it is.
      bool loads = GetLastError() == TICKS_STILL_LOAD && !gSubs[at].present && gSubs[at].failures + 1 < FAILURES_MOST;
      if(count < 0 || loads)
      {
         TicksFailed(at);
         return;
      }
      TicksHole(at, ticks, count);
      TicksSend(at, ticks, count);
      if(count >= (int)asked)
         continue;
      // Before PRESENT a read that ends short of the newest tick has not brought everything: history is still loading.
      if(!gSubs[at].present && (newest == 0 || gSubs[at].from < newest))
         TicksFailed(at);
      else
         TicksWhole(at);
      return;
   }
}

void TicksWhole(int at)
{
   gSubs[at].failures = 0;
   if(!gSubs[at].present)
      SayPresent(at);
}

// A read failed: again after 0.2, 0.4, 0.8, 1.6 s; the fifth time says what may be missing and goes on from now.
void TicksFailed(int at)
{
   gSubs[at].failures++;
   if(gSubs[at].failures < FAILURES_MOST)
   {
      gSubs[at].retry_at = MonoMs() + (RETRY_MS << (gSubs[at].failures - 1));
      return;
   }
   long from = gSubs[at].from;
   long now = NewestMs(gSubs[at].symbol);
   // The newest tick itself is still to be sent when it came after the last one sent.
   if(now > from)
   {
      gSubs[at].from = now;
      gSubs[at].skip = 0;
   }
   if(now == 0)
      now = ServerMs();
   SayGap(at, from, MathMax(now, from), "the terminal gave no ticks five times");
   gSubs[at].asked = 0;
   gSubs[at].failures = 0;
   gSubs[at].retry_at = MonoMs() + RETRY_AFTER_GAP_MS;
   if(!gSubs[at].present)
      SayPresent(at);
}

void SayGap(int at, long from, long to, string words)
{
   string body = "GAP|" + IntegerToString(gSubs[at].sub) + "|" + IntegerToString(from);
   Send(body + "|" + IntegerToString(to) + "|" + words);
}

// The first read that brings something: says when the terminal's history begins after what was asked for.
void TicksHole(int at, MqlTick &ticks[], int count)
{
   long asked = gSubs[at].asked;
   if(asked == 0 || count == 0)
      return;
   gSubs[at].asked = 0;
   if(ticks[0].time_msc <= asked)
      return;
   // A quiet time is no hole: then something lies in the day before.
   MqlTick before[];
   int found = CopyTicks(gSubs[at].symbol, before, COPY_TICKS_ALL, (ulong)MathMax(asked - DAY_MS, (long)1), 1);
   if(found > 0 && before[0].time_msc <= asked)
      return;
   SayGap(at, asked, ticks[0].time_msc, "the terminal's history begins later");
}

// Sends the ticks behind those of the last time that are known already.
void TicksSend(int at, MqlTick &ticks[], int count)
{
   long behind = 0;
   int first = 0;
   while(first < count && behind < gSubs[at].skip && ticks[first].time_msc <= gSubs[at].from)
   {
      first++;
      behind++;
   }
   while(first < count)
   {
      int end = MathMin(first + TICKS_A_FRAME, count);
      string body = "TICKS|" + IntegerToString(gSubs[at].sub) + "|" + IntegerToString(gSubs[at].next);
      body += "|" + IntegerToString(gSubs[at].missed) + "|" + IntegerToString(MonoMs());
      int digits = DigitsOf(gSubs[at].symbol);
      for(int i = first; i < end; i++)
      {
         body += TickText(ticks[i], digits);
         if(ticks[i].time_msc == gSubs[at].from)
            gSubs[at].skip++;
         else
         {
            gSubs[at].from = ticks[i].time_msc;
            gSubs[at].skip = 1;
         }
      }
      SendBare(body);
      gSubs[at].next += end - first;
      first = end;
   }
}

string TickText(MqlTick &tick, int digits)
{
   double volume = tick.volume_real;
   if(volume <= 0.0)
      volume = (double)tick.volume;
   string text = "|" + IntegerToString(tick.time_msc) + "|" + PriceText(tick.bid, digits);
   text += "|" + PriceText(tick.ask, digits) + "|" + PriceText(tick.last, digits) + "|";
   if(volume > 0.0)
      text += NumberText(volume, 0, 8);
   return text + "|" + IntegerToString((long)tick.flags);
}
