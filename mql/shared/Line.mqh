// The line to the engine: numbering, signing and checking of frames, keys of a connection; by Session and all who send.

uchar  gKey[];
uchar  gKeyOut[];
uchar  gKeyIn[];
string gProofOut = "";
string gProofIn = "";
long   gSeqOut = 0;
long   gSeqIn = 0;
bool   gSigned = false;
bool   gFlooded = false;
bool   gBroken = false;

void LineClear()
{
   OutboxClear();
   InboxClear();
   ArrayResize(gKeyOut, 0);
   ArrayResize(gKeyIn, 0);
   gProofOut = "";
   gProofIn = "";
   gSeqOut = 0;
   gSeqIn = 0;
   gSigned = false;
   gFlooded = false;
   gBroken = false;
}

// Makes proofs and keys of both directions from all that was said; false when the terminal cannot hash.
bool LineAgree(string transcript)
{
   uchar proof[];
   if(!HmacText(gKey, "ea|" + transcript, proof))
      return false;
   gProofOut = HexOf(proof, 32);
   if(!HmacText(gKey, "engine|" + transcript, proof))
      return false;
   gProofIn = HexOf(proof, 32);
   if(!HmacText(gKey, "key-ea|" + transcript, gKeyOut))
      return false;
   return HmacText(gKey, "key-engine|" + transcript, gKeyIn);
}

// Adds a frame whose type and fields are `body`; false when it was not taken, and then the line has to end.
bool LineAdd(string body, bool sign, bool last)
{
   uchar bytes[];
   int count = Utf8Bytes(IntegerToString(gSeqOut + 1) + "|" + body, bytes);
   if(sign)
   {
      uchar mac[];
      if(!Hmac(gKeyOut, bytes, count, mac))
         return false;
      uchar text[];
      int more = Utf8Bytes("|" + HexOf(mac, 32), text);
      ArrayResize(bytes, count + more);
      ArrayCopy(bytes, text, count, 0, more);
      count += more;
   }
   string head = IntegerToString(count) + "|" + Hex32(Crc32(bytes, 0, count)) + "|";
   uchar line[];
   int start = Utf8Bytes(head, line);
   int whole = start + count + 1;
   if(whole > FRAME_BYTES)
      return false;
   ArrayResize(line, whole);
   ArrayCopy(line, bytes, start, 0, count);
   line[whole - 1] = 10;
   if(!OutboxAdd(line, whole, last))
      return false;
   gSeqOut++;
   return true;
}

// Sends a frame, signed after WELCOME. What cannot be kept any more ends the line at the end of the turn.
void Send(string body)
{
   if(!gFlooded && !gBroken && !LineAdd(body, gSigned, false))
      gFlooded = true;
}

// Sends a frame of a type that is never signed.
void SendBare(string body)
{
   if(!gFlooded && !gBroken && !LineAdd(body, false, false))
      gFlooded = true;
}

// Hands over what the socket takes now.
void LineFlush()
{
   if(!gBroken && LinkIsOpen() && !OutboxSend())
      gBroken = true;
}

// Returns why a body is not the next one that the engine may have sent, empty when it is;
// then its fields stand without the MAC.
string LineCheck(uchar &body[], int count, string &fields[])
{
   int length = count;
   if(gSigned)
   {
      length = count - 65;
      if(length < 1 || body[length] != '|')
         return "a frame without MAC";
      uchar mac[];
      if(!Hmac(gKeyIn, body, length, mac))
         return "the terminal cannot hash";
      if(!SameText(Utf8Text(body, length + 1, 64), HexOf(mac, 32)))
         return "a wrong MAC";
   }
   if(SplitFields(body, length, fields) < 2)
      return "a frame without number and type, or with too many fields";
   if(fields[0] != IntegerToString(gSeqIn + 1))
      return "number " + StringSubstr(fields[0], 0, 20) + " instead of " + IntegerToString(gSeqIn + 1);
   gSeqIn++;
   return "";
}
