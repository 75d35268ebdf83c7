// The EA as a whole: inputs checked, turns of timer and tick, frames after WELCOME to their places; called by the .mq files.

#define EA_VERSION "1.0"
#define TIMER_LEAST 10
#define TIMER_MOST 1000
#define BUSY_BYTES 262144

string gKeyId = "";

#include "Bytes.mqh"
#include "Fields.mqh"
#include "State.mqh"
#include "Outbox.mqh"
#include "Inbox.mqh"
#include "Line.mqh"
#include "Handshake.mqh"
#include "Session.mqh"
#include "Subscriptions.mqh"
#include "Answers.mqh"
#include "CommandFields.mqh"
#include "Commands.mqh"

// Returns whether text is 1 to 32 of A-Z a-z 0-9 - _ .
bool IsKeyId(string text)
{
   int length = StringLen(text);
   for(int i = 0; i < length; i++)
   {
      string character = StringSubstr(text, i, 1);
      if(StringFind("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", character) < 0)
         return false;
   }
   return length >= 1 && length <= 32;
}

// Returns whether a host is this machine.
bool IsLoopback(string host)
{
   if(host == "localhost" || host == "::1")
      return true;
   string parts[];
   if(StringSubstr(host, 0, 4) != "127." || StringSplit(host, '.', parts) != 4)
      return false;
   long part = 0;
   for(int i = 0; i < 4; i++)
      if(!ReadCount(parts[i], 0, 255, part))
         return false;
   return true;
}

// Checks the inputs and begins; returns what OnInit returns. Nothing outlives the call before.
int BridgeStart(string key_id, string key, int timer_ms, string refused)
{
   CrcPrepare();
   if(StringLen(refused) > 0)
   {
      Tell(refused);
      return INIT_PARAMETERS_INCORRECT;
   }
   if(!IsKeyId(key_id))
   {
      Tell("the key id has to be 1 to 32 letters, digits, - _ or . as in the engine's configuration.");
      return INIT_PARAMETERS_INCORRECT;
   }
   if(!HexRead(key, 32, gKey))
   {
      Tell("the key has to be 64 hex digits, the same as in the engine's key file (openssl rand -hex 32 makes one).");
      return INIT_PARAMETERS_INCORRECT;
   }
   if(timer_ms < TIMER_LEAST || timer_ms > TIMER_MOST)
   {
      Tell("the timer has to be 10 to 1000 ms.");
      return INIT_PARAMETERS_INCORRECT;
   }
   gKeyId = key_id;
   MathSrand((int)(GetMicrosecondCount() % 32768));
   SessionStart();
   CommandsStart();
   gOnlineAt = MonoMs();
   NewsClear();
   SubscriptionsClear();
   AnswersClear();
   if(StringLen(gSession) != 32)
   {
      Tell("this terminal cannot compute SHA-256 (CryptEncode failed): update it.");
      return INIT_FAILED;
   }
   if(!EventSetMillisecondTimer(timer_ms))
   {
      Tell("the terminal gives no timer, error " + IntegerToString(GetLastError()) + ": attach the EA again.");
      return INIT_FAILED;
   }
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) == 0 || MQLInfoInteger(MQL_TRADE_ALLOWED) == 0)
      Tell("algo trading is switched off: prices are sent, orders are refused. Press Algo Trading, and allow it in the EA's properties.");
   return INIT_SUCCEEDED;
}

void BridgeStop()
{
   EventKillTimer();
   EndLine("STOP", "the EA was taken off or restarted");
   LinkClose();
   gState = AT_END;
}

// WELCOME was good: everything of an older connection is forgotten.
void BridgeOpened()
{
   SubscriptionsClear();
   AnswersClear();
   NewsClear();
}

// Takes a frame that may come after WELCOME; returns what is wrong with it, or empty.
string BridgeTake(string name, string &fields[], int count)
{
   if(name == "SUBSCRIBE")
      return TakeSubscribe(fields, count);
   if(name == "UNSUBSCRIBE")
      return TakeUnsubscribe(fields, count);
   if(name == "SNAPSHOT")
      return TakeSnapshot(fields, count);
   if(name == "HISTORY")
      return TakeHistory(fields, count);
   return TakeCommand(name, fields, count);
}

// One turn of the timer: what came, what happened, ticks, one chunk of each answer, the heartbeat, what is to be sent.
void BridgeTurn()
{
   if(gState == AT_END)
      return;
   OnlineTurn();
   SessionAccount();
   if(gState == AT_REST)
   {
      if(MonoMs() >= gDialAt)
         Dial();
   }
   else
      SessionReceive();
   if(gState == AT_OPEN)
   {
      NewsTurn();
      TicksTurn();
      AnswersTurn();
      if(MonoMs() - gHeartAt >= gHeartMs)
         SayHeart();
   }
   LineFlush();
   SessionJudge();
}

// A tick of the chart's symbol: what is new goes out at once.
void BridgeTick()
{
   if(gState != AT_OPEN || !SameAccount())
      return;
   TicksTurn();
   LineFlush();
}
