// A command of the engine and its answer as structures, and the strict reading of its fields; by Commands and Trade.

// A command as it came; numbers that it has no field for are 0, texts empty.
struct Command
{
   string  name;
   string  id;
   long    magic;
   string  symbol;
   string  side;
   string  kind;
   Decimal volume;
   Decimal price;
   Decimal stop_limit;
   Decimal sl;
   Decimal tp;
   long    deviation;
   string  filling;
   string  time_in_force;
   long    expiration;
   long    position;
   string  what;
   long    ticket;
   long    other;
   long    sent;
   long    ttl;
};

// What is answered; prices and volume are 0 where there are none.
struct Outcome
{
   string result;
   long   retcode;
   long   order;
   long   deal;
   long   position;
   double volume;
   double price;
   double bid;
   double ask;
   int    digits;
   string words;
};

void CommandClear(Command &command)
{
   command.name = "";
   command.id = "";
   command.magic = 0;
   command.symbol = "";
   command.side = "";
   command.kind = "";
   ReadDecimal("", command.volume);
   ReadDecimal("", command.price);
   ReadDecimal("", command.stop_limit);
   ReadDecimal("", command.sl);
   ReadDecimal("", command.tp);
   command.deviation = 0;
   command.filling = "";
   command.time_in_force = "";
   command.expiration = 0;
   command.position = 0;
   command.what = "";
   command.ticket = 0;
   command.other = 0;
   command.sent = 0;
   command.ttl = 0;
}

void OutcomeSet(Outcome &outcome, string result, string words)
{
   outcome.result = result;
   outcome.words = words;
}

void OutcomeClear(Outcome &outcome)
{
   OutcomeSet(outcome, "refused", "");
   outcome.retcode = 0;
   outcome.order = 0;
   outcome.deal = 0;
   outcome.position = 0;
   outcome.volume = 0.0;
   outcome.price = 0.0;
   outcome.bid = 0.0;
   outcome.ask = 0.0;
   outcome.digits = 8;
}

// ---- reading: false when a field is not what its place is for ---------------------------------------

bool ReadTimes(string &fields[], int at, Command &command)
{
   return ReadCount(fields[at], 0, TIME_MOST, command.sent) && ReadCount(fields[at + 1], 0, TIME_MOST, command.ttl);
}

bool ReadPrices(string &fields[], int at, Command &command)
{
   return ReadDecimal(fields[at], command.price) && ReadDecimal(fields[at + 1], command.stop_limit)
          && ReadDecimal(fields[at + 2], command.sl) && ReadDecimal(fields[at + 3], command.tp);
}

bool ReadOpen(string &fields[], int count, Command &command)
{
   if(count != 19)
      return false;
   command.symbol = fields[4];
   command.side = fields[5];
   command.kind = fields[6];
   command.filling = fields[13];
   command.time_in_force = fields[14];
   return ReadDecimal(fields[7], command.volume) && ReadPrices(fields, 8, command)
          && ReadOptional(fields[12], 0, INT_MAX, command.deviation)
          && ReadOptional(fields[15], 0, TIME_MOST, command.expiration)
          && ReadOptional(fields[16], 0, WHOLE_MOST, command.position)
          && ReadTimes(fields, 17, command);
}

bool ReadModify(string &fields[], int count, Command &command)
{
   if(count != 13)
      return false;
   command.what = fields[4];
   return ReadCount(fields[5], 0, WHOLE_MOST, command.ticket) && ReadPrices(fields, 6, command)
          && ReadOptional(fields[10], 0, TIME_MOST, command.expiration) && ReadTimes(fields, 11, command);
}

bool ReadClose(string &fields[], int count, Command &command)
{
   if(count != 10)
      return false;
   command.filling = fields[7];
   return ReadCount(fields[4], 0, WHOLE_MOST, command.ticket) && ReadDecimal(fields[5], command.volume)
          && ReadOptional(fields[6], 0, INT_MAX, command.deviation) && ReadTimes(fields, 8, command);
}

bool ReadCommand(string name, string &fields[], int count, Command &command)
{
   CommandClear(command);
   if(count < 7 || !ReadCount(fields[3], 0, WHOLE_MOST, command.magic))
      return false;
   command.name = name;
   command.id = fields[2];
   if(name == "OPEN")
      return ReadOpen(fields, count, command);
   if(name == "MODIFY")
      return ReadModify(fields, count, command);
   if(name == "CLOSE")
      return ReadClose(fields, count, command);
   if(name == "CLOSEBY")
      return count == 8 && ReadCount(fields[4], 0, WHOLE_MOST, command.ticket)
             && ReadCount(fields[5], 0, WHOLE_MOST, command.other) && ReadTimes(fields, 6, command);
   return count == 7 && ReadCount(fields[4], 0, WHOLE_MOST, command.ticket) && ReadTimes(fields, 5, command);
}
