// Bytes and text: UTF-8, hex, CRC-32, SHA-256, HMAC; called by the other shared files and, for ids, by trade.

uint gCrcTable[256];

// Fills the table of CRC-32 (zlib's); called once by BridgeStart.
void CrcPrepare()
{
   for(int i = 0; i < 256; i++)
   {
      uint value = (uint)i;
      for(int bit = 0; bit < 8; bit++)
      {
         if((value & 1) != 0)
            value = (value >> 1) ^ (uint)0xEDB88320;
         else
            value = value >> 1;
      }
      gCrcTable[i] = value;
   }
}

uint Crc32(const uchar &data[], int from, int count)
{
   uint crc = 0xFFFFFFFF;
   for(int i = from; i < from + count; i++)
      crc = gCrcTable[(int)((crc ^ data[i]) & 0xFF)] ^ (crc >> 8);
   return crc ^ (uint)0xFFFFFFFF;
}

string HexDigit(int value)
{
   return StringSubstr("0123456789abcdef", value & 15, 1);
}

// Returns the first `count` bytes as lower-case hex.
string HexOf(const uchar &data[], int count)
{
   string text = "";
   for(int i = 0; i < count; i++)
      text += HexDigit(data[i] >> 4) + HexDigit(data[i] & 15);
   return text;
}

string Hex32(uint value)
{
   string text = "";
   for(int shift = 28; shift >= 0; shift -= 4)
      text += HexDigit((int)((value >> shift) & 15));
   return text;
}

// Returns the value of a hex digit's character, -1 for another one.
int HexValue(int character)
{
   if(character >= '0' && character <= '9')
      return character - '0';
   if(character >= 'a' && character <= 'f')
      return character - 'a' + 10;
   if(character >= 'A' && character <= 'F')
      return character - 'A' + 10;
   return -1;
}

// Reads exactly `count` bytes from hex text; false when it is anything else.
bool HexRead(string text, int count, uchar &out[])
{
   if(StringLen(text) != 2 * count)
      return false;
   ArrayResize(out, count);
   for(int i = 0; i < count; i++)
   {
      int high = HexValue((int)StringGetCharacter(text, 2 * i));
      int low = HexValue((int)StringGetCharacter(text, 2 * i + 1));
      if(high < 0 || low < 0)
         return false;
      out[i] = (uchar)(16 * high + low);
   }
   return true;
}

// Returns whether text is `count` lower-case hex digits.
bool IsLowerHex(string text, int count)
{
   if(StringLen(text) != count)
      return false;
   for(int i = 0; i < count; i++)
   {
      int character = (int)StringGetCharacter(text, i);
      if(HexValue(character) < 0 || (character >= 'A' && character <= 'F'))
         return false;
   }
   return true;
}

// Writes text as UTF-8 without the terminating zero; returns how many bytes.
int Utf8Bytes(string text, uchar &out[])
{
   ArrayResize(out, 0);
   if(StringLen(text) == 0)
      return 0;
   int count = StringToCharArray(text, out, 0, -1, CP_UTF8);
   if(count > 0 && out[count - 1] == 0)
      count--;
   ArrayResize(out, count);
   return count;
}

string Utf8Text(uchar &data[], int from, int count)
{
   // A count of 0 does not mean "nothing" to every build.
   if(count <= 0)
      return "";
   return CharArrayToString(data, from, count, CP_UTF8);
}

// Returns how many bytes continue a UTF-8 sequence after its first byte, -1 when none may begin so.
int Utf8Follow(int first)
{
   if(first < 0x80)
      return 0;
   if(first >= 0xC2 && first <= 0xDF)
      return 1;
   if(first >= 0xE0 && first <= 0xEF)
      return 2;
   if(first >= 0xF0 && first <= 0xF4)
      return 3;
   return -1;
}

// Returns whether bytes are UTF-8 text without control characters.
bool IsCleanText(const uchar &data[], int from, int count)
{
   int i = from;
   int end = from + count;
   while(i < end)
   {
      int first = data[i];
      int follow = Utf8Follow(first);
      if(first < 0x20 || first == 0x7F || follow < 0 || i + follow >= end)
         return false;
      for(int k = 1; k <= follow; k++)
      {
         int next = data[i + k];
         int least = 0x80;
         int most = 0xBF;
         if(k == 1 && first == 0xE0) least = 0xA0;
         if(k == 1 && first == 0xED) most = 0x9F;
         if(k == 1 && first == 0xF0) least = 0x90;
         if(k == 1 && first == 0xF4) most = 0x8F;
         if(next < least || next > most)
            return false;
      }
      i += 1 + follow;
   }
   return true;
}

// Returns free text of the broker as a field may hold it, at most `most` characters.
string CleanText(string text, int most)
{
   if(StringLen(text) == 0)
      return "";
   string cleaned = StringSubstr(text, 0, most);
   for(int i = 0; i < StringLen(cleaned); i++)
   {
      int character = (int)StringGetCharacter(cleaned, i);
      if(character < 0x20 || character == 0x7F || character == '|')
         StringSetCharacter(cleaned, i, ' ');
   }
   return cleaned;
}

bool Sha256(const uchar &data[], uchar &out[])
{
   uchar none[];
   ArrayResize(none, 0);
   return CryptEncode(CRYPT_HASH_SHA256, data, none, out) == 32;
}

// One half of HMAC: SHA-256 of the key padded to 64 bytes, each XOR `pad`, and then the text.
bool HmacHalf(const uchar &key[], int pad, const uchar &text[], int count, uchar &out[])
{
   uchar whole[];
   ArrayResize(whole, 64 + count);
   for(int i = 0; i < 64; i++)
   {
      int value = pad;
      if(i < ArraySize(key))
         value = pad ^ key[i];
      whole[i] = (uchar)value;
   }
   for(int k = 0; k < count; k++)
      whole[64 + k] = text[k];
   return Sha256(whole, out);
}

// HMAC-SHA256 of the first `count` bytes with a key of at most 64 bytes.
bool Hmac(const uchar &key[], const uchar &text[], int count, uchar &out[])
{
   uchar inner[];
   if(!HmacHalf(key, 0x36, text, count, inner))
      return false;
   return HmacHalf(key, 0x5C, inner, 32, out);
}

bool HmacText(const uchar &key[], string text, uchar &out[])
{
   uchar bytes[];
   int count = Utf8Bytes(text, bytes);
   return Hmac(key, bytes, count, out);
}

// Compares in a time that does not tell where the first difference is.
bool SameText(string one, string other)
{
   int length = StringLen(one);
   if(length != StringLen(other))
      return false;
   int different = 0;
   for(int i = 0; i < length; i++)
      different |= (int)StringGetCharacter(one, i) ^ (int)StringGetCharacter(other, i);
   return different == 0;
}
