// The Expert Advisor of MetaTrader 4 that connects its account to a thft engine; the terminal calls its handlers.
#property copyright "thft"
#property version   "1.00"
#property description "Dials a thft engine: sends ticks, obeys orders, tells what the account holds."
#property strict

input string InpHost = "127.0.0.1";     // Host (this machine: the engine, or a tunnel to it)
input int    InpPort = 7788;            // Port
input string InpKeyId = "k1";           // Key id
input string InpKey = "";               // Key, 64 hex digits
input int    InpTimerMs = 20;           // Timer, ms

#include "Platform.mqh"
#include "Transport.mqh"
#include "../shared/Bridge.mqh"
#include "Ticks.mqh"
#include "History.mqh"
#include "Pool.mqh"
#include "Trade.mqh"

int OnInit()
{
   return BridgeStart(InpKeyId, InpKey, InpTimerMs, LinkConfigure(InpHost, InpPort));
}

void OnDeinit(const int reason)
{
   BridgeStop();
}

void OnTimer()
{
   BridgeTurn();
}

void OnTick()
{
   BridgeTick();
}
