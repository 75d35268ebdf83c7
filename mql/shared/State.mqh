// What is known of the connection and its engine, and how the user is told; by all shared files.

#define AT_REST 0
#define AT_HELLO 1
#define AT_AUTH 2
#define AT_OPEN 3
#define AT_END 4

#define WAIT_FIRST_MS 1000
#define SAID_AGAIN_MS 600000
// So long what just happened is looked for in a history that does not show it yet.
#define SHOWN_LATE_MS 30000

int    gState = AT_REST;
long   gStepAt = 0;
long   gHeardAt = 0;
long   gListenedAt = 0;
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
long   gBaseMs = 0;
string gRemedy = "";
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
