// Commands of the engine: acknowledged, checked (late, twice, allowed), handed to Trade, answered once; by Bridge.

#define IDS_KEPT 1024
#define ID_MOST 20
#define MAGIC_MOST 2147483647

// Ids that this run has handed to the terminal and that may have had an effect: the newest 1,024.
string gIds[];
int    gIdNext = 0;

void CommandsStart()
{
   ArrayResize(gIds, IDS_KEPT);
   for(int i = 0; i < IDS_KEPT; i++)
      gIds[i] = "";
   gIdNext = 0;
}

bool IdKnown(string id)
{
   for(int i = 0; i < IDS_KEPT; i++)
      if(gIds[i] == id)
         return true;
   return false;
}

void IdKeep(string id)
{
   gIds[gIdNext] = id;
   gIdNext = (gIdNext + 1) % IDS_KEPT;
}

void IdDrop(string id)
{
   for(int i = 0; i < IDS_KEPT; i++)
      if(gIds[i] == id)
         gIds[i] = "";
}

// ---- checks: in words what is wrong, or empty ---------------------------------------------------------

bool IsId(string id)
{
   int length = StringLen(id);
   for(int i = 0; i < length; i++)
   {
      int character = (int)StringGetCharacter(id, i);
      if(character < 0x20 || character > 0x7E)
         return false;
   }
   return length >= 1 && length <= ID_MOST;
}

string OpenFault(Command &command)
{
   if(command.side != "buy" && command.side != "sell")
      return "wrong field: side";
   bool market = command.kind == "market";
   if(!market && command.kind != "limit" && command.kind != "stop" && command.kind != "stop_limit")
      return "wrong field: kind";
   if(!command.volume.given || command.volume.value <= 0.0)
      return "wrong field: volume";
   if(!market && !(command.price.given && command.price.value > 0.0))
      return "wrong field: price";
   if(command.kind == "stop_limit" && !(command.stop_limit.given && command.stop_limit.value > 0.0))
      return "wrong field: price_stop_limit";
   string force = command.time_in_force;
   if(force != "gtc" && force != "day" && force != "gtd")
      return "wrong field: time_in_force";
   if(force == "gtd" && command.expiration <= 0)
      return "wrong field: expiration_server";
   if(command.position > 0 && !market)
      return "wrong field: position with a pending order";
   if(StringLen(command.symbol) == 0 || !SymbolSelect(command.symbol, true))
      return "unknown symbol";
   return "";
}

string CommandFault(Command &command)
{
   if(!IsId(command.id))
      return "wrong field: id";
   if(command.magic < 1 || command.magic > MAGIC_MOST)
      return "wrong field: magic";
   if(command.price.value < 0.0 || command.stop_limit.value < 0.0 || command.sl.value < 0.0 || command.tp.value < 0.0)
      return "wrong field: a price below 0";
   if(command.name == "OPEN")
      return OpenFault(command);
   if(command.ticket <= 0)
      return "wrong field: ticket";
   if(command.name == "CLOSE" && !(command.volume.given && command.volume.value > 0.0))
      return "wrong field: volume";
   if(command.name == "CLOSEBY" && (command.other <= 0 || command.other == command.ticket))
      return "wrong field: other ticket";
   if(command.name == "MODIFY" && command.what != "order" && command.what != "position")
      return "wrong field: what";
   return "";
}

string AllowedFault()
{
   if(!SameAccount())
      return "the terminal is on another account now";
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) == 0)
      return "algo trading is switched off in the terminal";
   if(MQLInfoInteger(MQL_TRADE_ALLOWED) == 0)
      return "algo trading is not allowed in the EA's properties";
   if(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) == 0)
      return "the broker does not let this account trade";
   if(AccountInfoInteger(ACCOUNT_TRADE_EXPERT) == 0)
      return "the broker does not let this account trade by EA";
   return "";
}

// Returns how long a command was on its way beyond the fastest PING of this connection, ms.
long LateMs(Command &command)
{
   return MonoMs() - command.sent - gBaseMs;
}

// ---- the whole way --------------------------------------------------------------------------------------

string TakeCommand(string name, string &fields[], int count)
{
   if(name != "OPEN" && name != "MODIFY" && name != "CLOSE" && name != "CLOSEBY" && name != "DELETE")
      return "an unknown type";
   Command command;
   if(!ReadCommand(name, fields, count, command))
      return name + " with a wrong field";
   long seq = gSeqIn;
   Send("ACK|" + IntegerToString(seq));
   LineFlush();
   Outcome outcome;
   OutcomeClear(outcome);
   // An engine that cannot hear the answer is not obeyed.
   if(gBroken || gFlooded)
      return "";
   CommandDo(command, outcome);
   SayResult(seq, command, outcome);
   LineFlush();
   return "";
}

void CommandDo(Command &command, Outcome &outcome)
{
   string fault = CommandFault(command);
   if(StringLen(fault) > 0)
   {
      OutcomeSet(outcome, "refused", fault);
      return;
   }
   if(!gPinged || LateMs(command) > command.ttl)
   {
      string words = IntegerToString(LateMs(command)) + " ms late, " + IntegerToString(command.ttl) + " allowed";
      if(!gPinged)
         words = "no PING has come on this connection yet";
      OutcomeSet(outcome, "late", words);
      return;
   }
   bool opens = command.name == "OPEN" || command.name == "CLOSE";
   if(opens && IdKnown(command.id))
   {
      // A history that cannot be read makes it no less known.
      if(!TradeFind(command, outcome) || outcome.result != "duplicate")
         OutcomeSet(outcome, "duplicate", "this run of the EA has handed it to the terminal already");
      return;
   }
   if(opens && TradeFind(command, outcome))
      return;
   fault = AllowedFault();
   if(StringLen(fault) > 0)
   {
      OutcomeSet(outcome, "refused", fault);
      return;
   }
   // Looking for it may have taken long.
   if(LateMs(command) > command.ttl)
   {
      OutcomeSet(outcome, "late", "late after the terminal's history was searched");
      return;
   }
   if(opens)
      IdKeep(command.id);
   TradeDo(command, outcome);
   string result = outcome.result;
   if(opens && (result == "refused" || result == "rejected" || result == "price" || result == "busy"))
      IdDrop(command.id);
}

void SayResult(long seq, Command &command, Outcome &outcome)
{
   string id = StringSubstr(command.id, 0, 40);
   string body = "RESULT|" + IntegerToString(seq) + "|" + id + "|" + outcome.result;
   body += "|" + IntegerToString(outcome.retcode) + "|" + TicketText(outcome.order) + "|" + TicketText(outcome.deal);
   body += "|" + TicketText(outcome.position) + "|";
   if(outcome.volume > 0.0)
      body += LotsText(outcome.volume);
   body += "|" + PriceText(outcome.price, outcome.digits) + "|" + PriceText(outcome.bid, outcome.digits);
   body += "|" + PriceText(outcome.ask, outcome.digits) + "|" + CleanText(outcome.words, 200);
   Send(body);
}
