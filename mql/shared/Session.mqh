// The EA's end of one connection: dial, HELLO to WELCOME, heartbeat, silence, ends, backoff; turned by Bridge.

#define AT_REST 0
#define AT_HELLO 1
#define AT_AUTH 2
#define AT_OPEN 3
#define AT_END 4

#define STEP_MS 10000
#define SILENCE_MS 10000
#define FRAMES_PER_TURN 64
#define TURN_MS 200
#define WAIT_FIRST_MS 1000
#define WAIT_MOST_MS 60000
#define SAID_AGAIN_MS 600000

int    gState = AT_REST;
long   gStepAt = 0;
long   gHeardAt = 0;
long   gDialAt = 0;
long   gWaitMs = WAIT_FIRST_MS;
bool   gRefused = false;
long   gConnections = 0;
string gSession = "";
string gNonce = "";
string gAccount = "";
string gServer = "";
long   gHeartMs = 2000;
long   gHeartAt = 0;
bool   gPinged = false;
bool   gHasBase = false;
long   gBaseMs = 0;
string gSaid = "";
long   gSaidAt = 0;

void Tell(string words)
{
   Print("ThftBridge: " + words);
}

// Tells what repeats at every attempt once, and again when it changes or after ten minutes.
void TellOnce(string words)
{
   if(words == gSaid && MonoMs() - gSaidAt < SAID_AGAIN_MS)
      return;
   gSaid = words;
   gSaidAt = MonoMs();
   Tell(words);
}

// Forgets everything: called at each OnInit.
void SessionStart()
{
   gState = AT_REST;
   gDialAt = MonoMs();
   gWaitMs = WAIT_FIRST_MS;
   gRefused = false;
   gConnections = 0;
   gSession = Fresh("session");
   gSaid = "";
   gAccount = "";
   gServer = "";
   LineClear();
}

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

// ---- beginning -------------------------------------------------------------------------------------

void Dial()
{
   LineClear();
   string why = "";
   if(AccountInfoInteger(ACCOUNT_LOGIN) <= 0)
   {
      TellOnce("the terminal is logged in to no account: log in, then this EA dials.");
      Rest();
      return;
   }
   if(!LinkOpen(why))
   {
      TellOnce(why);
      LinkClose();
      Rest();
      return;
   }
   gConnections++;
   gState = AT_HELLO;
   gStepAt = MonoMs();
   gHeardAt = gStepAt;
   SayHello();
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
      TellOnce("what answers at this address does not have the key: nothing it says is obeyed. Compare host, port and key.");
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
   gHasBase = true;
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

// ---- ends ------------------------------------------------------------------------------------------

// Waits before the next attempt: 1, 2, 4 … 60 s, a minute after a refusal that time does not heal.
void Rest()
{
   gState = AT_REST;
   gSigned = false;
   long wait_ms = gWaitMs;
   if(gRefused)
      wait_ms = WAIT_MOST_MS;
   else
      gWaitMs = MathMin(2 * gWaitMs, WAIT_MOST_MS);
   gRefused = false;
   gDialAt = MonoMs() + wait_ms;
}

// Ends the connection; with a code the engine is told, if it still listens.
void EndLine(string code, string words)
{
   if(gState == AT_REST || gState == AT_END)
      return;
   if(StringLen(code) > 0 && !gBroken)
   {
      LineAdd("BYE|" + code + "|" + CleanText(words, 200), gSigned, true);
      LineFlush();
   }
   LinkClose();
   TellOnce("the connection has ended: " + CleanText(words, 200) + ". This EA dials again by itself.");
   Rest();
}

// The engine says that it ends: BYE, or REJECT before WELCOME.
string TakeEnd(string &fields[], int count)
{
   if(count != 4)
      return fields[1] + " with a wrong number of fields";
   string code = fields[2];
   string words = CleanText(fields[3], 200);
   bool rejected = fields[1] == "REJECT";
   if(rejected && gState == AT_OPEN)
      return "REJECT after WELCOME";
   // Unsigned words decide about the next wait alone.
   gRefused = rejected && (code == "VERSION" || code == "AUTH" || code == "MODE");
   if(rejected && code == "AUTH")
      words += ". Compare login, server, key id and key with the engine's configuration; its status page says which differs";
   if(rejected && code == "VERSION")
      words += ". Take the EA of the engine's version";
   LinkClose();
   if(!rejected && code == "REPLACED" && gSigned)
   {
      gState = AT_END;
      gSigned = false;
      Tell("another EA serves this account now, this one stops. Keep one of both; to use this one, remove the other and attach this again.");
      return "";
   }
   TellOnce("the engine says " + CleanText(code, 20) + ": " + words + ".");
   Rest();
   return "";
}

// ---- a turn ----------------------------------------------------------------------------------------

// Takes one frame; returns what is wrong with it, or empty.
string TakeFrame(const uchar &body[], int length)
{
   string fields[];
   string wrong = LineCheck(body, length, fields);
   if(StringLen(wrong) > 0)
      return wrong;
   gHeardAt = MonoMs();
   int count = ArraySize(fields);
   string name = fields[1];
   if(name == "REJECT" || name == "BYE")
      return TakeEnd(fields, count);
   if(name == "CHALLENGE")
      return TakeChallenge(fields, count);
   if(name == "WELCOME")
      return TakeWelcome(fields, count);
   if(gState != AT_OPEN)
      return "a frame before WELCOME";
   if(name == "PING")
      return TakePing(fields, count);
   return BridgeTake(name, fields, count);
}

// Takes what has come: at most 64 frames, and none after 200 ms; the rest waits for the next turn.
void SessionReceive()
{
   long began = MonoMs();
   if(!InboxRead())
      gBroken = true;
   uchar body[];
   for(int turn = 0; turn < FRAMES_PER_TURN && MonoMs() - began <= TURN_MS; turn++)
   {
      int limit = FRAME_BYTES;
      if(gState != AT_OPEN)
         limit = FIRST_BYTES;
      int length = InboxTake(limit, body);
      if(length == 0)
         break;
      string wrong = gInWrong;
      if(length > 0)
         wrong = TakeFrame(body, length);
      if(StringLen(wrong) > 0)
         EndLine("FRAME", wrong);
      if(gState == AT_REST || gState == AT_END)
         return;
   }
   LineFlush();
   if(gBroken)
      EndLine("", "the network broke it");
}

// Ends what is flooded, silent, late or no longer of this account.
void SessionJudge()
{
   if(gState == AT_REST || gState == AT_END)
      return;
   long now = MonoMs();
   if(gFlooded)
      EndLine("FLOOD", "1 MiB lies unsent: the engine reads too slowly");
   else if(gBroken)
      EndLine("", "the network broke it");
   else if(gState != AT_OPEN && now - gStepAt > STEP_MS)
      EndLine("SILENCE", "no answer to HELLO or AUTH within 10 s: is it thft's MetaTrader port, and TLS as there?");
   else if(gState == AT_OPEN && now - gHeardAt > SILENCE_MS)
      EndLine("SILENCE", "nothing from the engine for 10 s");
   else if(!SameAccount())
      EndLine("STOP", "the terminal is on another account now");
}
