// Fields of frames: cutting them apart, strict numbers in, numbers out; called wherever frames are read or written.

#define FIELDS_MOST 64
#define WHOLE_MOST 9223372036854775807
#define TIME_MOST 8796093022208
#define FIGURES_MOST 15
#define FRACTION_MOST 9

// A decimal number as it was sent; `value` is the double nearest to it.
struct Decimal
{
   bool   given;
   double value;
};

// Cuts a body at its separators; returns the count, -1 when there are more than any frame has.
int SplitFields(uchar &body[], int count, string &fields[])
{
   int found = 1;
   for(int i = 0; i < count; i++)
      if(body[i] == '|')
         found++;
   if(found > FIELDS_MOST)
      return -1;
   ArrayResize(fields, found);
   int start = 0;
   int at = 0;
   for(int k = 0; k <= count; k++)
   {
      if(k < count && body[k] != '|')
         continue;
      fields[at] = Utf8Text(body, start, k - start);
      at++;
      start = k + 1;
   }
   return found;
}

// Reads `-`, then 1 to 19 digits; false for anything else and for what 64 bits cannot hold.
bool ReadWhole(string text, long &value)
{
   value = 0;
   int length = StringLen(text);
   int first = 0;
   if(length > 0 && StringGetCharacter(text, 0) == '-')
      first = 1;
   if(length - first < 1 || length - first > 19)
      return false;
   for(int i = first; i < length; i++)
   {
      int digit = (int)StringGetCharacter(text, i) - '0';
      if(digit < 0 || digit > 9)
         return false;
      if(value > (WHOLE_MOST - digit) / 10)
         return false;
      value = 10 * value + digit;
   }
   if(first == 1)
      value = -value;
   return true;
}

// The same within bounds.
bool ReadCount(string text, long least, long most, long &value)
{
   return ReadWhole(text, value) && value >= least && value <= most;
}

// The same where an empty field means 0.
bool ReadOptional(string text, long least, long most, long &value)
{
   value = 0;
   if(StringLen(text) == 0)
      return true;
   return ReadCount(text, least, most, value);
}

// Reads a plain decimal of at most 15 figures, 9 of them behind the point; empty means not given.
// Figures and power of ten are both exact in a double, so their quotient is the nearest one.
bool ReadDecimal(string text, Decimal &number)
{
   number.given = false;
   number.value = 0.0;
   int length = StringLen(text);
   if(length == 0)
      return true;
   if(length > FIGURES_MOST + 12)
      return false;
   long figures = 0;
   double scale = 1.0;
   int digits = 0;
   int fraction = -1;
   int first = 0;
   if(StringGetCharacter(text, 0) == '-')
      first = 1;
   for(int i = first; i < length; i++)
   {
      int character = (int)StringGetCharacter(text, i);
      if(character == '.' && fraction < 0 && digits > 0)
      {
         fraction = 0;
         continue;
      }
      if(character < '0' || character > '9' || figures > 99999999999999)
         return false;
      figures = 10 * figures + (character - '0');
      digits++;
      if(fraction >= 0)
      {
         fraction++;
         scale = scale * 10.0;
      }
   }
   if(digits == 0 || fraction == 0 || fraction > FRACTION_MOST)
      return false;
   number.given = true;
   number.value = (double)figures / scale;
   if(first == 1)
      number.value = -number.value;
   return true;
}

string Truth(bool value)
{
   if(value)
      return "1";
   return "0";
}

// Returns a number with at most `most` decimals, trailing zeros gone down to `least`; empty for what is none.
string NumberText(double value, int least, int most)
{
   if(!MathIsValidNumber(value) || MathAbs(value) > 9000000000000000.0)
      return "";
   string text = DoubleToString(value, most);
   int length = StringLen(text);
   int point = StringFind(text, ".");
   if(point >= 0)
   {
      while(length - point - 1 > least && StringGetCharacter(text, length - 1) == '0')
         length--;
      if(StringGetCharacter(text, length - 1) == '.')
         length--;
      text = StringSubstr(text, 0, length);
   }
   // What rounds to nothing carries no sign.
   if(StringGetCharacter(text, 0) == '-' && !HasFigure(text))
      text = StringSubstr(text, 1);
   return text;
}

bool HasFigure(string text)
{
   for(int i = 0; i < StringLen(text); i++)
   {
      int character = (int)StringGetCharacter(text, i);
      if(character >= '1' && character <= '9')
         return true;
   }
   return false;
}

string LotsText(double lots)
{
   return NumberText(lots, 2, 8);
}

string MoneyText(double money)
{
   return NumberText(money, 2, 8);
}

// A price with its symbol's digits; 0 is none.
string PriceText(double price, int digits)
{
   if(price == 0.0)
      return "";
   return NumberText(price, digits, digits);
}

// A price that may be an average, with more decimals than its symbol has digits.
string AverageText(double price, int digits)
{
   if(price == 0.0)
      return "";
   return NumberText(price, digits, MathMax(digits, 8));
}

// The digits of a symbol's prices; 8 where the terminal does not know it any more.
int DigitsOf(string symbol)
{
   long digits = 0;
   if(StringLen(symbol) > 0 && SymbolInfoInteger(symbol, SYMBOL_DIGITS, digits) && digits >= 0 && digits <= 9)
      return (int)digits;
   return 8;
}

// A ticket or another number that is empty when there is none.
string TicketText(long ticket)
{
   if(ticket == 0)
      return "";
   return IntegerToString(ticket);
}
