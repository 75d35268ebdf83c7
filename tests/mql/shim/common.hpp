// What MQL4 and MQL5 have in common: text, time, arithmetic, chance, print, hash, timer, globals.
#pragma once
#include <cmath>

#include "array.hpp"

namespace mql {

constexpr uint CP_ACP = 0, CP_UTF7 = 65000, CP_UTF8 = 65001;
constexpr int TIME_DATE = 1, TIME_MINUTES = 2, TIME_SECONDS = 4;
constexpr int INIT_SUCCEEDED = 0, INIT_FAILED = 1, INIT_PARAMETERS_INCORRECT = 2;
constexpr int REASON_PROGRAM = 0, REASON_REMOVE = 1, REASON_RECOMPILE = 2, REASON_CHARTCHANGE = 3,
              REASON_CHARTCLOSE = 4, REASON_PARAMETERS = 5, REASON_ACCOUNT = 6,
              REASON_TEMPLATE = 7, REASON_INITFAILED = 8, REASON_CLOSE = 9;
constexpr int ERR_SUCCESS = 0;
constexpr color clrNONE = -1, clrRed = 255, clrGreen = 32768, clrBlue = 16711680, clrWhite = 0xFFFFFF;
constexpr int EMPTY = -1;
constexpr int EMPTY_VALUE = INT_MAX;
#undef INT_MAX
#undef INT_MIN
#undef UINT_MAX
#undef LONG_MAX
#undef LONG_MIN
#undef ULONG_MAX
#undef UCHAR_MAX
#undef USHRT_MAX
constexpr int INT_MAX = 2147483647, INT_MIN = -2147483647 - 1;
constexpr uint UINT_MAX = 0xFFFFFFFFu;
constexpr long LONG_MAX = 9223372036854775807L, LONG_MIN = -9223372036854775807L - 1;
constexpr ulong ULONG_MAX = ~0UL;
constexpr uchar UCHAR_MAX = 255;
constexpr ushort USHRT_MAX = 65535;
#undef DBL_MAX
#undef DBL_MIN
#undef DBL_EPSILON
constexpr double DBL_MAX = 1.7976931348623157e+308, DBL_MIN = 2.2250738585072014e-308,
                 DBL_EPSILON = 2.2204460492503131e-16;

enum ENUM_CRYPT_METHOD { CRYPT_BASE64, CRYPT_AES128, CRYPT_AES256, CRYPT_DES, CRYPT_HASH_SHA1,
                         CRYPT_HASH_SHA256, CRYPT_HASH_MD5, CRYPT_ARCH_ZIP };
enum ENUM_TIMEFRAMES { PERIOD_CURRENT = 0, PERIOD_M1 = 1, PERIOD_M5 = 5, PERIOD_H1 = 60,
                       PERIOD_D1 = 1440 };

struct MqlDateTime { int year, mon, day, hour, min, sec, day_of_week, day_of_year; };
struct MqlTick {
  datetime time;
  double bid, ask, last;
  ulong volume;
  long time_msc;
  uint flags;
  double volume_real;
};

// ---- text ----
int StringLen(const string &text);
ushort StringGetCharacter(const string &text, int at);
bool StringSetCharacter(string &text, int at, ushort unit);
string StringSubstr(const string &text, int start, int length = WHOLE_ARRAY);
int StringFind(const string &text, const string &part, int start = 0);
int StringReplace(string &text, const string &part, const string &by);
int StringSplit(const string &text, ushort separator, Array<string> &parts);
int StringCompare(const string &a, const string &b, bool case_sensitive = true);
bool StringToUpper(string &text);
bool StringToLower(string &text);
bool StringAdd(string &text, const string &more);
bool StringInit(string &text, int length = 0, ushort unit = 0);
bool StringFill(string &text, ushort unit);
int StringBufferLen(const string &text);
string ShortToString(ushort unit);
string CharToString(uchar unit);
string CharArrayToString(const Array<uchar> &bytes, int start = 0, int count = WHOLE_ARRAY,
                         uint code_page = CP_ACP);
int StringToCharArray(const string &text, Array<uchar> &bytes, int start = 0,
                      int count = WHOLE_ARRAY, uint code_page = CP_ACP);
string ShortArrayToString(const Array<ushort> &units, int start = 0, int count = WHOLE_ARRAY);
int StringToShortArray(const string &text, Array<ushort> &units, int start = 0,
                       int count = WHOLE_ARRAY);
long StringToInteger(const string &text);
double StringToDouble(const string &text);
string IntegerToString(long value, int length = 0, ushort fill = ' ');
string DoubleToString(double value, int digits = 8);
string TimeToString(datetime value, int parts = TIME_DATE | TIME_MINUTES);
datetime StringToTime(const string &text);
#ifdef __MQL5__
int StringTrimLeft(string &text);
int StringTrimRight(string &text);
#else
string StringTrimLeft(const string &text);
string StringTrimRight(const string &text);
#endif

// One argument of StringFormat and Print.
struct Value {
  enum Kind { WHOLE, REAL, TEXT } kind;
  long whole = 0;
  double real = 0;
  string text;
  Value(const string &value) : kind(TEXT), text(value) {}
  Value(const char *value) : kind(TEXT), text(value) {}
  template <class T, class = Number<T>>
  Value(T value) : kind(std::is_floating_point_v<T> ? REAL : WHOLE),
                   whole(static_cast<long>(std::is_floating_point_v<T> ? T{} : value)),
                   real(static_cast<double>(value)), text(value) {}
};
string format(const string &pattern, std::initializer_list<Value> values);
void print(std::initializer_list<Value> values);
template <class... T>
string StringFormat(const string &pattern, const T &...values) {
  return format(pattern, {Value(values)...});
}
template <class... T>
void PrintFormat(const string &pattern, const T &...values) {
  print({Value(format(pattern, {Value(values)...}))});
}
template <class... T>
void Print(const T &...values) { print({Value(values)...}); }
template <class... T>
void Alert(const T &...values) { print({Value("Alert: "), Value(values)...}); }
template <class... T>
void Comment(const T &...) {}

// ---- time ----
datetime TimeLocal();
datetime TimeLocal(MqlDateTime &parts);
datetime TimeGMT();
datetime TimeGMT(MqlDateTime &parts);
datetime TimeCurrent();
datetime TimeCurrent(MqlDateTime &parts);
int TimeGMTOffset();
bool TimeToStruct(datetime value, MqlDateTime &parts);
datetime StructToTime(const MqlDateTime &parts);
uint GetTickCount();
ulong GetMicrosecondCount();
void Sleep(int ms);

// ---- arithmetic and chance ----
template <class A, class B>
std::common_type_t<A, B> MathMax(A a, B b) { return a > static_cast<std::common_type_t<A, B>>(b) ? a : b; }
template <class A, class B>
std::common_type_t<A, B> MathMin(A a, B b) { return a < static_cast<std::common_type_t<A, B>>(b) ? a : b; }
template <class A, class B>
std::common_type_t<A, B> fmax(A a, B b) { return MathMax(a, b); }
template <class T>
T MathAbs(T value) { return value < T{} ? -value : value; }
inline double MathFloor(double value) { return std::floor(value); }
inline double MathCeil(double value) { return std::ceil(value); }
inline double MathRound(double value) { return std::round(value); }
inline double MathPow(double base, double exponent) { return std::pow(base, exponent); }
inline double MathSqrt(double value) { return std::sqrt(value); }
inline double MathLog(double value) { return std::log(value); }
inline double MathLog10(double value) { return std::log10(value); }
inline double MathMod(double a, double b) { return std::fmod(a, b); }
inline bool MathIsValidNumber(double value) { return std::isfinite(value); }
int MathRand();
void MathSrand(int seed);
double NormalizeDouble(double value, int digits);

// ---- the rest ----
int GetLastError();
void ResetLastError();
void SetUserError(ushort code);
void fail(int code);  // the shim's own: what GetLastError says next
#define _LastError (mql::GetLastError_kept())
int GetLastError_kept();
int CryptEncode(ENUM_CRYPT_METHOD method, const Array<uchar> &data, const Array<uchar> &key,
                Array<uchar> &result);
bool EventSetMillisecondTimer(int ms);
bool EventSetTimer(int seconds);
void EventKillTimer();
datetime GlobalVariableSet(const string &name, double value);
double GlobalVariableGet(const string &name);
bool GlobalVariableGet(const string &name, double &value);
bool GlobalVariableCheck(const string &name);
bool GlobalVariableTemp(const string &name);
bool GlobalVariableDel(const string &name);
bool GlobalVariableSetOnCondition(const string &name, double value, double check);
void GlobalVariablesFlush();
long ChartID();
bool IsStopped();
int UninitializeReason();
void ExpertRemove();
string Symbol();
ENUM_TIMEFRAMES Period();
#define _Symbol (mql::Symbol())
#define _Period (mql::Period())
#define _StopFlag (mql::IsStopped())
int SymbolsTotal(bool selected);
string SymbolName(int at, bool selected);
bool SymbolSelect(const string &symbol, bool select);
bool SymbolInfoTick(const string &symbol, MqlTick &tick);
bool RefreshRates();
long iVolume(const string &symbol, int timeframe, int shift);
datetime iTime(const string &symbol, int timeframe, int shift);
int iBars(const string &symbol, int timeframe);

// The value of an input, from the environment variable MQL_INPUT_name when that is set.
bool input_text(const char *name, std::string &text);
template <class T>
T input(const char *name, T otherwise) {
  std::string text;
  if (!input_text(name, text)) return otherwise;
  if constexpr (std::is_same_v<T, string>) return string(text);
  else if constexpr (std::is_same_v<T, bool>) return text == "true" || text == "1";
  else if constexpr (std::is_floating_point_v<T>) return static_cast<T>(std::stod(text));
  else return static_cast<T>(std::stoll(text));
}

}  // namespace mql
