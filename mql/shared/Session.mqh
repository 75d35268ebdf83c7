// The EA's end of one connection: state, dial, frames to their places, silence, ends, backoff; turned by Bridge.

#define STEP_MS 10000
#define SILENCE_MS 10000
#define FRAMES_PER_TURN 64
#define TURN_MS 200
#define WAIT_MOST_MS 60000

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
   gRemedy = "";
   gAccount = "";
   gServer = "";
   LineClear();
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
   gListenedAt = gStepAt;
   SayHello();
}

// ---- ends ------------------------------------------------------------------------------------------

// Waits before the next attempt: 1, 2, 4 .. 60 s, a minute after a refusal that time does not heal.
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
   string remedy = gRemedy;
   gRemedy = "";
   if(StringLen(remedy) == 0)
      remedy = "This EA dials again by itself.";
   TellOnce("the connection has ended: " + CleanText(words, 200) + ". " + remedy);
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
string TakeFrame(uchar &body[], int length)
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
   gListenedAt = began;
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
      EndLine("", "the engine or the network broke it");
}

// Ends what is no longer of this account, before anything of another one could be told.
void SessionAccount()
{
   if(gState != AT_REST && gState != AT_END && !SameAccount())
      EndLine("STOP", "the terminal is on another account now");
}

// Ends what is flooded, silent or late.
void SessionJudge()
{
   if(gState == AT_REST || gState == AT_END)
      return;
   long now = MonoMs();
   if(gFlooded)
      EndLine("FLOOD", "1 MiB lies unsent: the engine reads too slowly");
   else if(gBroken)
      EndLine("", "the engine or the network broke it");
   else if(gState != AT_OPEN && now - gStepAt > STEP_MS)
      {
      gRemedy = "Is it the engine's MetaTrader port, and is TLS switched on at both ends or at none?";
      EndLine("SILENCE", "no answer to HELLO or AUTH within 10 s");
   }
   // An EA that a broker or a download kept for long has not listened: what waits is read before silence is judged.
   else if(gState == AT_OPEN && gListenedAt - gHeardAt > SILENCE_MS)
      EndLine("SILENCE", "nothing from the engine for 10 s");
}
