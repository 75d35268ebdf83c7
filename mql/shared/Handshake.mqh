// What an EA says of itself in a connection: HELLO, AUTH, HEART, PONG, and the checks of what they answer; by Session.

// Returns 32 hex digits that were never there before.
string Fresh(string what)
{
   string name = "ThftBridge.count";
   double count = 1.0;
   if(GlobalVariableCheck(name))
      count = GlobalVariableGet(name) + 1.0;
   GlobalVariableSet(name, count);
   GlobalVariablesFlush();
   string text = what + "|" + DoubleToString(count, 0) + "|" + IntegerToString((long)GetMicrosecondCount());
   text += "|" + IntegerToString(MonoMs()) + "|" + IntegerToString((long)TimeLocal());
   text += "|" + IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN)) + "|" + IntegerToString(ChartID());
   text += "|" + IntegerToString(MathRand()) + "|" + gNonce;
   uchar hash[];
   if(!HmacText(gKey, text, hash))
      return "";
   return HexOf(hash, 16);
}

void SayHello()
{
   gNonce = Fresh("nonce");
   gAccount = IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN));
   gServer = CleanText(AccountInfoString(ACCOUNT_SERVER), 100);
   string body = "HELLO|1|" + PLATFORM + "|" + gKeyId + "|" + gSession + "|" + gNonce + "|" + gAccount;
   body += "|" + gServer + "|" + CleanText(AccountInfoString(ACCOUNT_COMPANY), 100);
   body += "|" + CleanText(AccountInfoString(ACCOUNT_CURRENCY), 20);
   body += "|" + IntegerToString(AccountInfoInteger(ACCOUNT_LEVERAGE)) + "|" + MarginMode();
   body += "|" + IntegerToString(TerminalInfoInteger(TERMINAL_BUILD)) + "|" + EA_VERSION;
   body += "|" + IntegerToString((long)TimeGMT() * 1000) + "|" + IntegerToString(ServerMs());
   SendBare(body);
}

string TakeChallenge(string &fields[], int count)
{
   long time_ms = 0;
   if(gState != AT_HELLO || count != 5)
      return "CHALLENGE out of its place";
   if(fields[2] != "1" || !IsLowerHex(fields[3], 32) || !ReadCount(fields[4], 0, TIME_MOST, time_ms))
      return "CHALLENGE with a wrong field";
   string transcript = "1|" + gKeyId + "|" + gSession + "|" + gAccount + "|" + gServer;
   transcript += "|" + gNonce + "|" + fields[3] + "|" + fields[4];
   if(!LineAgree(transcript))
      return "the terminal cannot hash";
   ClockStart(time_ms);
   SendBare("AUTH|" + gProofOut);
   gState = AT_AUTH;
   gStepAt = MonoMs();
   return "";
}

string TakeWelcome(string &fields[], int count)
{
   long heart_ms = 0;
   long silence_ms = 0;
   if(gState != AT_AUTH || count != 5)
      return "WELCOME out of its place";
   if(!SameText(fields[2], gProofIn))
   {
      gRemedy = "Nothing it says is obeyed. Compare host, port and key.";
      return "the engine does not have the key";
   }
   if(!ReadCount(fields[3], 10, 60000, heart_ms) || !ReadCount(fields[4], 10, 600000, silence_ms))
      return "WELCOME with a wrong field";
   gState = AT_OPEN;
   gSigned = true;
   gHeartMs = heart_ms;
   gWaitMs = WAIT_FIRST_MS;
   gSaid = "";
   Tell("connected to the engine; account " + gAccount + " is served.");
   BridgeOpened();
   SayHeart();
   return "";
}

// ---- life ------------------------------------------------------------------------------------------

void SayHeart()
{
   gHeartAt = MonoMs();
   string body = "HEART|" + IntegerToString((long)TimeGMT() * 1000) + "|" + IntegerToString(ServerMs());
   body += "|" + IntegerToString(gHeartAt) + "|" + IntegerToString(gSeqIn);
   body += "|" + Truth(TerminalInfoInteger(TERMINAL_CONNECTED) != 0) + "|" + IntegerToString(PingUs());
   body += "|" + Truth(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) != 0);
   body += "|" + Truth(MQLInfoInteger(MQL_TRADE_ALLOWED) != 0);
   body += "|" + Truth(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) != 0);
   body += "|" + Truth(AccountInfoInteger(ACCOUNT_TRADE_EXPERT) != 0);
   body += "|" + MoneyText(AccountInfoDouble(ACCOUNT_BALANCE)) + "|" + MoneyText(AccountInfoDouble(ACCOUNT_EQUITY));
   body += "|" + MoneyText(AccountInfoDouble(ACCOUNT_MARGIN)) + "|" + MoneyText(AccountInfoDouble(ACCOUNT_MARGIN_FREE));
   body += "|" + IntegerToString(AccountInfoInteger(ACCOUNT_LEVERAGE)) + "|" + MarginMode();
   body += "|" + IntegerToString(gConnections - 1) + "|" + IntegerToString(gOutCount);
   body += "|" + IntegerToString(OpenOrders()) + "|" + IntegerToString(OpenPositions());
   Send(body);
}

// Begins the clock of a connection with the time in CHALLENGE.
void ClockStart(long time_ms)
{
   gPinged = false;
   gBaseMs = MonoMs() - time_ms;
}

string TakePing(string &fields[], int count)
{
   long number = 0;
   long time_ms = 0;
   if(count != 4 || !ReadCount(fields[2], 0, WHOLE_MOST, number) || !ReadCount(fields[3], 0, TIME_MOST, time_ms))
      return "PING with a wrong field";
   gBaseMs = MathMin(gBaseMs, MonoMs() - time_ms);
   gPinged = true;
   SendBare("PONG|" + fields[2] + "|" + fields[3] + "|" + IntegerToString(gSeqIn));
   return "";
}

// Returns whether the terminal is still on the account that HELLO named.
bool SameAccount()
{
   return IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN)) == gAccount
          && CleanText(AccountInfoString(ACCOUNT_SERVER), 100) == gServer;
}
