// The Expert Advisor of MetaTrader 5 that connects its account to a thft engine; the terminal calls its handlers.
#property copyright "thft"
#property version   "1.00"
#property description "Dials a thft engine: sends ticks, obeys orders, tells what the account holds."
#property strict

input string InpHost = "127.0.0.1";     // Host of the engine
input int    InpPort = 7788;            // Port of the engine
input bool   InpTls = false;            // TLS (needed for every host but 127.0.0.1)
input string InpThumbprint = "";        // Thumbprint of the engine's certificate (empty: not compared)
input string InpKeyId = "k1";           // Key id
input string InpKey = "";               // Key, 64 hex digits
input int    InpTimerMs = 20;           // Timer, ms

#include "Platform.mqh"
#include "../shared/Bridge.mqh"
#include "Transport.mqh"
#include "Ticks.mqh"
#include "History.mqh"
#include "News.mqh"
#include "Search.mqh"
#include "Trade.mqh"

int OnInit()
{
   return BridgeStart(InpKeyId, InpKey, InpTimerMs, LinkConfigure(InpHost, InpPort, InpTls, InpThumbprint));
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

void OnTradeTransaction(const MqlTradeTransaction &trans, const MqlTradeRequest &request, const MqlTradeResult &result)
{
   NewsTake(trans);
}
