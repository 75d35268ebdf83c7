// Bytes that wait to be sent: a ring of 1 MiB that takes whole lines and gives what the socket takes; by Session.

#define OUTBOX_BYTES 1048576
#define OUTBOX_SPARE 4096
#define SEND_CHUNK 16384
#define SENDS_PER_TURN 32

uchar gOutRing[];
int   gOutHead = 0;
int   gOutCount = 0;
uchar gOutChunk[];

void OutboxClear()
{
   // The spare bytes beyond the bound are for the BYE that says it was reached.
   ArrayResize(gOutRing, OUTBOX_BYTES + OUTBOX_SPARE);
   ArrayResize(gOutChunk, SEND_CHUNK);
   gOutHead = 0;
   gOutCount = 0;
}

int OutboxRoom()
{
   return OUTBOX_BYTES - gOutCount;
}

// Adds a line; false when the bound (`last`: with its spare) would be passed, and then nothing is added.
bool OutboxAdd(const uchar &line[], int count, bool last)
{
   int bound = OUTBOX_BYTES;
   if(last)
      bound = OUTBOX_BYTES + OUTBOX_SPARE;
   if(gOutCount + count > bound)
      return false;
   int size = OUTBOX_BYTES + OUTBOX_SPARE;
   int tail = (gOutHead + gOutCount) % size;
   int straight = MathMin(count, size - tail);
   ArrayCopy(gOutRing, line, tail, 0, straight);
   if(count > straight)
      ArrayCopy(gOutRing, line, 0, straight, count - straight);
   gOutCount += count;
   return true;
}

// Hands over what the socket takes now, at most 32 chunks of 16 KiB; false when the connection is broken.
bool OutboxSend()
{
   int size = OUTBOX_BYTES + OUTBOX_SPARE;
   for(int turn = 0; turn < SENDS_PER_TURN && gOutCount > 0; turn++)
   {
      int count = MathMin(MathMin(gOutCount, SEND_CHUNK), size - gOutHead);
      ArrayCopy(gOutChunk, gOutRing, 0, gOutHead, count);
      int taken = LinkSend(gOutChunk, count);
      if(taken < 0)
         return false;
      gOutHead = (gOutHead + taken) % size;
      gOutCount -= taken;
      if(taken < count)
         return true;
   }
   return true;
}
