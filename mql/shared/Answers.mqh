// Answers in rows: SNAPSHOT and HISTORY as lists of what is to be told, sent a chunk at each timer; by Bridge.

#define ROW_ORDER 0
#define ROW_DONE 1
#define ROW_POSITION 2
#define ROW_DEAL 3
#define ROW_CLOSE 4

#define CHUNK_ROWS 256
#define ROWS_MOST 100000
#define LIST_READS 8
#define REQ_MOST 1000000000000000
#define ONLINE_MS 5000

// One answer under way; at most one SNAPSHOT and one HISTORY are.
struct Answer
{
   long req;
   long next;
   long orders;
   long positions;
   long deals;
   bool complete;
   long span;
   int  kinds[];
   long tickets[];
   long times[];
};

Answer gSnapshot;
Answer gHistory;
long   gReqLast = 0;
long   gOnlineAt = 0;

void AnswersClear()
{
   AnswerClear(gSnapshot, 0);
   AnswerClear(gHistory, 0);
   gReqLast = 0;
}

void AnswerClear(Answer &answer, long req)
{
   answer.req = req;
   answer.next = 0;
   answer.orders = 0;
   answer.positions = 0;
   answer.deals = 0;
   answer.complete = false;
   answer.span = 0;
   RowsClear(answer);
}

void RowsClear(Answer &answer)
{
   ArrayResize(answer.kinds, 0);
   ArrayResize(answer.tickets, 0);
   ArrayResize(answer.times, 0);
}

// Adds what is to be told; beyond the bound the answer says that it is not complete.
void AnswerAdd(Answer &answer, int kind, long ticket, long time)
{
   int at = ArraySize(answer.kinds);
   if(at >= ROWS_MOST)
   {
      answer.complete = false;
      return;
   }
   ArrayResize(answer.kinds, at + 1, 1024);
   ArrayResize(answer.tickets, at + 1, 1024);
   ArrayResize(answer.times, at + 1, 1024);
   answer.kinds[at] = kind;
   answer.tickets[at] = ticket;
   answer.times[at] = time;
}

// Orders what is to be told by time, and what has the same time as it was added (a merge from the bottom up).
void AnswerSort(Answer &answer)
{
   int count = ArraySize(answer.kinds);
   int order[];
   int merged[];
   ArrayResize(order, count);
   ArrayResize(merged, count);
   for(int i = 0; i < count; i++)
      order[i] = i;
   for(int width = 1; width < count; width *= 2)
   {
      for(int low = 0; low < count; low += 2 * width)
      {
         int left = low;
         int middle = MathMin(low + width, count);
         int right = middle;
         int high = MathMin(low + 2 * width, count);
         for(int at = low; at < high; at++)
         {
            bool take_left = left < middle && (right >= high || answer.times[order[left]] <= answer.times[order[right]]);
            if(take_left)
            {
               merged[at] = order[left];
               left++;
            }
            else
            {
               merged[at] = order[right];
               right++;
            }
         }
      }
      ArrayCopy(order, merged, 0, 0, count);
   }
   int kinds[];
   long tickets[];
   ArrayResize(kinds, count);
   ArrayResize(tickets, count);
   for(int k = 0; k < count; k++)
   {
      kinds[k] = answer.kinds[order[k]];
      tickets[k] = answer.tickets[order[k]];
   }
   ArrayCopy(answer.kinds, kinds, 0, 0, count);
   ArrayCopy(answer.tickets, tickets, 0, 0, count);
}

long CountKind(Answer &answer, int kind, int other)
{
   long count = 0;
   for(int i = 0; i < ArraySize(answer.kinds); i++)
      if(answer.kinds[i] == kind || answer.kinds[i] == other)
         count++;
   return count;
}

void AnswerBegin(Answer &answer)
{
   string body = "BEGIN|" + IntegerToString(answer.req) + "|" + IntegerToString(ServerMs());
   body += "|" + IntegerToString(CountKind(answer, ROW_ORDER, ROW_DONE));
   body += "|" + IntegerToString(CountKind(answer, ROW_POSITION, ROW_POSITION));
   body += "|" + IntegerToString(CountKind(answer, ROW_DEAL, ROW_CLOSE));
   Send(body);
}

// Returns whether the terminal has been online so long that what it shows is no leftover of a start.
bool IsOnline()
{
   return TerminalInfoInteger(TERMINAL_CONNECTED) != 0 && MonoMs() - gOnlineAt >= ONLINE_MS;
}

// Follows the terminal's own connection; called at each timer.
void OnlineTurn()
{
   if(TerminalInfoInteger(TERMINAL_CONNECTED) == 0)
      gOnlineAt = MonoMs();
}

// Reads what is open until two readings are the same: an order that leaves meanwhile moves others to places already passed.
void GatherSteady(Answer &answer)
{
   long before[];
   for(int turn = 0; turn < LIST_READS; turn++)
   {
      ArrayResize(before, ArraySize(answer.tickets));
      ArrayCopy(before, answer.tickets);
      RowsClear(answer);
      GatherOpen(answer);
      if(turn > 0 && SameTickets(before, answer.tickets))
         return;
   }
   answer.complete = false;
}

bool SameTickets(const long &one[], const long &other[])
{
   int count = ArraySize(one);
   if(count != ArraySize(other))
      return false;
   for(int i = 0; i < count; i++)
      if(one[i] != other[i])
         return false;
   return true;
}

string TakeSnapshot(string &fields[], int count)
{
   long req = 0;
   if(count != 3 || !ReadCount(fields[2], gReqLast + 1, REQ_MOST, req))
      return "SNAPSHOT with a wrong field";
   gReqLast = req;
   // One that is asked for again replaces the one under way: whoever asked has given that up.
   AnswerClear(gSnapshot, req);
   gSnapshot.complete = TerminalInfoInteger(TERMINAL_CONNECTED) != 0;
   GatherSteady(gSnapshot);
   AnswerBegin(gSnapshot);
   return "";
}

string TakeHistory(string &fields[], int count)
{
   long req = 0;
   long from = 0;
   long to = 0;
   if(count != 6 || !ReadCount(fields[2], gReqLast + 1, REQ_MOST, req))
      return "HISTORY with a wrong field";
   if(!ReadCount(fields[3], 0, TIME_MOST, from) || !ReadOptional(fields[4], 0, TIME_MOST, to))
      return "HISTORY with a wrong field";
   gReqLast = req;
   AnswerClear(gHistory, req);
   gHistory.complete = IsOnline();
   GatherHistory(gHistory, from, to, fields[5]);
   AnswerSort(gHistory);
   AnswerBegin(gHistory);
   return "";
}

// Sends the next rows of each answer, at most 256, when there is room for them.
void AnswersTurn()
{
   if(gSnapshot.req > 0 && OutboxRoom() > BUSY_BYTES)
      AnswerChunk(gSnapshot, false);
   if(gHistory.req > 0 && OutboxRoom() > BUSY_BYTES)
      AnswerChunk(gHistory, true);
}

void AnswerChunk(Answer &answer, bool progress)
{
   int total = ArraySize(answer.kinds);
   int end = (int)MathMin(answer.next + CHUNK_ROWS, total);
   for(int at = (int)answer.next; at < end; at++)
   {
      // What is no longer there is not sent: the counts of END then tell that the answer is not whole.
      string row = RowOf(answer.req, answer.kinds[at], answer.tickets[at]);
      if(StringLen(row) == 0)
         continue;
      Send(row);
      if(answer.kinds[at] == ROW_ORDER || answer.kinds[at] == ROW_DONE)
         answer.orders++;
      else if(answer.kinds[at] == ROW_POSITION)
         answer.positions++;
      else
         answer.deals++;
   }
   answer.next = end;
   if(progress && end > 0 && end % CHUNK_ROWS == 0)
      Send("PROGRESS|" + IntegerToString(answer.req) + "|" + IntegerToString(end) + "|" + IntegerToString(total));
   if(end < total)
      return;
   string body = "END|" + IntegerToString(answer.req) + "|" + IntegerToString(answer.orders);
   body += "|" + IntegerToString(answer.positions) + "|" + IntegerToString(answer.deals);
   body += "|" + Truth(answer.complete) + "|" + IntegerToString(answer.span);
   Send(body);
   AnswerClear(answer, 0);
}
