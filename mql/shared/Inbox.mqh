// Bytes that came, and the lines in them: length, checksum, clean text; holds at most 128 KiB; by Session.

#define FRAME_BYTES 65536
#define FIRST_BYTES 4096
#define INBOX_BYTES 131072
#define READ_CHUNK 4096
#define READS_PER_TURN 16

uchar  gIn[];
int    gInHead = 0;
int    gInTail = 0;
int    gInSeen = 0;
uchar  gInChunk[];
string gInWrong = "";

void InboxClear()
{
   ArrayResize(gIn, INBOX_BYTES);
   ArrayResize(gInChunk, READ_CHUNK);
   gInHead = 0;
   gInTail = 0;
   gInSeen = 0;
   gInWrong = "";
}

// Moves what is left to the front, so that there is room behind it.
void InboxCompact()
{
   if(gInHead == gInTail)
   {
      gInHead = 0;
      gInTail = 0;
      gInSeen = 0;
      return;
   }
   if(gInHead < INBOX_BYTES / 2)
      return;
   for(int i = gInHead; i < gInTail; i++)
      gIn[i - gInHead] = gIn[i];
   gInTail -= gInHead;
   gInSeen -= gInHead;
   gInHead = 0;
}

// Reads what has come, at most 16 times 4 KiB; false when the connection is broken.
bool InboxRead()
{
   for(int turn = 0; turn < READS_PER_TURN; turn++)
   {
      InboxCompact();
      int room = MathMin(READ_CHUNK, INBOX_BYTES - gInTail);
      if(room <= 0)
         return true;
      // A read may leave the array in another size.
      if(ArraySize(gInChunk) != READ_CHUNK)
         ArrayResize(gInChunk, READ_CHUNK);
      int count = LinkRead(gInChunk, room);
      if(count < 0)
         return false;
      if(count == 0)
         return true;
      for(int i = 0; i < count; i++)
         gIn[gInTail + i] = gInChunk[i];
      gInTail += count;
   }
   return true;
}

// Takes the next body; returns its length, 0 when none is complete, -1 with gInWrong when it is wrong.
int InboxTake(int limit, uchar &body[])
{
   if(gInSeen < gInHead)
      gInSeen = gInHead;
   while(gInSeen < gInTail && gIn[gInSeen] != 10)
      gInSeen++;
   int length = gInSeen - gInHead;
   if(length >= limit)
      return InboxWrong("a line longer than " + IntegerToString(limit) + " bytes");
   if(gInSeen >= gInTail)
      return 0;
   int start = gInHead;
   gInHead = gInSeen + 1;
   gInSeen = gInHead;
   return InboxBody(start, length, body);
}

int InboxWrong(string words)
{
   gInWrong = words;
   return -1;
}

// Checks LENGTH|CRC| of the line at `start` and copies its body.
int InboxBody(int start, int length, uchar &body[])
{
   int at = start;
   int end = start + length;
   int said = 0;
   while(at < end && at - start < 5 && gIn[at] >= '0' && gIn[at] <= '9')
   {
      said = 10 * said + (gIn[at] - '0');
      at++;
   }
   if(at == start || gIn[start] == '0' || at + 10 > end || gIn[at] != '|' || gIn[at + 9] != '|')
      return InboxWrong("a line without length and checksum");
   string crc = Utf8Text(gIn, at + 1, 8);
   int from = at + 10;
   if(said != end - from || said == 0)
      return InboxWrong("a length that is not the body's");
   if(crc != Hex32(Crc32(gIn, from, said)))
      return InboxWrong("a wrong checksum");
   if(!IsCleanText(gIn, from, said))
      return InboxWrong("a body that is no clean UTF-8 text");
   ArrayResize(body, said);
   ArrayCopy(body, gIn, 0, from, said);
   return said;
}
