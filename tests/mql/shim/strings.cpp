// The String* functions and conversions of MQL.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "common.hpp"

namespace mql {

namespace {

int whole(std::size_t size) { return static_cast<int>(size); }

std::u16string trimmed(const string &text, bool left, bool right) {
  static const std::u16string blank = u" \t\r\n";
  std::u16string units = text.units();
  if (right) units.erase(units.find_last_not_of(blank) + 1);
  if (left) units.erase(0, std::min(units.find_first_not_of(blank), units.size()));
  return units;
}

string mapped(const string &text, int (*how)(int)) {
  std::u16string units = text.units();
  for (auto &unit : units)
    if (unit < 128) unit = static_cast<char16_t>(how(unit));
  return string(units);
}

}  // namespace

int StringLen(const string &text) { return whole(text.units().size()); }

ushort StringGetCharacter(const string &text, int at) {
  if (at < 0 || at >= StringLen(text)) {
    fail(5041);
    return 0;
  }
  return text.units()[static_cast<std::size_t>(at)];
}

bool StringSetCharacter(string &text, int at, ushort unit) {
  int length = StringLen(text);
  if (at < 0 || at > length) return false;
  auto &units = text.change();
  if (unit == 0) units.resize(static_cast<std::size_t>(at));
  else if (at == length) units += static_cast<char16_t>(unit);
  else units[static_cast<std::size_t>(at)] = static_cast<char16_t>(unit);
  return true;
}

string StringSubstr(const string &text, int start, int length) {
  int size = StringLen(text);
  if (start < 0 || start >= size) return string("");
#ifdef __MQL5__
  if (length == 0) return string("");
#endif
  if (length <= 0 || length > size - start) length = size - start;
  return string(text.units().substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length)));
}

int StringFind(const string &text, const string &part, int start) {
  if (start < 0) return -1;
  auto at = text.units().find(part.units(), static_cast<std::size_t>(start));
  return at == std::u16string::npos ? -1 : whole(at);
}

int StringReplace(string &text, const string &part, const string &by) {
  if (part.units().empty()) return -1;
  int count = 0;
  auto &units = text.change();
  for (std::size_t at = 0; (at = units.find(part.units(), at)) != std::u16string::npos; ++count) {
    units.replace(at, part.units().size(), by.units());
    at += by.units().size();
  }
  return count;
}

int StringSplit(const string &text, ushort separator, Array<string> &parts) {
  parts.resize(0);
  const auto &units = text.units();
  if (units.empty()) return 0;
  for (std::size_t from = 0;;) {
    auto to = units.find(static_cast<char16_t>(separator), from);
    parts.resize(parts.size() + 1);
    parts[parts.size() - 1] = string(units.substr(from, to - from));
    if (to == std::u16string::npos) return parts.size();
    from = to + 1;
  }
}

int StringCompare(const string &a, const string &b, bool case_sensitive) {
  string one = case_sensitive ? a : mapped(a, std::tolower);
  string other = case_sensitive ? b : mapped(b, std::tolower);
  return one.units() < other.units() ? -1 : one.units() > other.units();
}

bool StringToUpper(string &text) { text = mapped(text, std::toupper); return true; }
bool StringToLower(string &text) { text = mapped(text, std::tolower); return true; }
bool StringAdd(string &text, const string &more) { text += more; return true; }
int StringBufferLen(const string &text) { return StringLen(text); }

bool StringInit(string &text, int length, ushort unit) {
  bool ends = unit == 0 || length < 0;
  text = string(std::u16string(ends ? 0 : static_cast<std::size_t>(length), static_cast<char16_t>(unit)));
  return length >= 0;
}

bool StringFill(string &text, ushort unit) { return StringInit(text, StringLen(text), unit); }
string ShortToString(ushort unit) { return string(std::u16string(unit != 0, static_cast<char16_t>(unit))); }
string CharToString(uchar unit) { return ShortToString(unit); }

#ifdef __MQL5__
int StringTrimLeft(string &text) {
  int before = StringLen(text);
  text = string(trimmed(text, true, false));
  return before - StringLen(text);
}
int StringTrimRight(string &text) {
  int before = StringLen(text);
  text = string(trimmed(text, false, true));
  return before - StringLen(text);
}
#else
string StringTrimLeft(const string &text) { return string(trimmed(text, true, false)); }
string StringTrimRight(const string &text) { return string(trimmed(text, false, true)); }
#endif

string CharArrayToString(const Array<uchar> &bytes, int start, int count, uint code_page) {
  int left = bytes.size() - start;
  if (start < 0 || left <= 0) return string("");
  if (count == WHOLE_ARRAY || count > left) count = left;
  auto *from = bytes.begin() + start, *end = std::find(from, from + std::max(count, 0), uchar{0});
  auto size = static_cast<std::size_t>(end - from);
  if (code_page == CP_UTF8) return string(utf16(reinterpret_cast<const char *>(from), size));
  return string(std::u16string(from, end));
}

int StringToCharArray(const string &text, Array<uchar> &bytes, int start, int count,
                      uint code_page) {
  std::string from;
  if (code_page == CP_UTF8) from = text.bytes();
  else for (auto unit : text.units()) from += static_cast<char>(unit < 256 ? unit : '?');
  int length = whole(from.size()) + 1;  // the 0 at the end goes too
  if (count == WHOLE_ARRAY || count > length) count = length;
  if (start < 0 || count <= 0) return 0;
  if (bytes.size() < start + count && bytes.resize(start + count) < 0) count = bytes.size() - start;
  for (int i = 0; i < count; ++i) bytes[start + i] = static_cast<uchar>(from.c_str()[i]);
  return std::max(count, 0);
}

string ShortArrayToString(const Array<ushort> &units, int start, int count) {
  int left = units.size() - start;
  if (start < 0 || left <= 0) return string("");
  if (count == WHOLE_ARRAY || count > left) count = left;
  auto *from = units.begin() + start;
  return string(std::u16string(from, std::find(from, from + std::max(count, 0), ushort{0})));
}

int StringToShortArray(const string &text, Array<ushort> &units, int start, int count) {
  int length = StringLen(text) + 1;
  if (count == WHOLE_ARRAY || count > length) count = length;
  if (start < 0 || count <= 0) return 0;
  if (units.size() < start + count && units.resize(start + count) < 0) count = units.size() - start;
  for (int i = 0; i < count; ++i) units[start + i] = text.units().c_str()[i];
  return std::max(count, 0);
}

// As the terminal's: digits from the start, whatever follows; too many of them end at the limits.
long StringToInteger(const string &text) { return std::strtol(text.bytes().c_str(), nullptr, 10); }

double StringToDouble(const string &text) {
  std::string bytes = text.bytes();
  auto end = bytes.find_first_not_of("0123456789.+-eE \t");
  return std::strtod(bytes.substr(0, end).c_str(), nullptr);
}

string IntegerToString(long value, int length, ushort fill) {
  std::u16string units = string(value).units();
  auto wanted = static_cast<std::size_t>(std::max(length, 0));
  if (units.size() < wanted) units.insert(0, wanted - units.size(), static_cast<char16_t>(fill));
  return string(units);
}

string DoubleToString(double value, int digits) {
  char shown[400];
  bool exponent = digits < 0;
  digits = std::min(std::abs(digits), 16);
  std::snprintf(shown, sizeof shown, exponent ? "%.*e" : "%.*f", digits, value);
  return string(std::string(shown));
}

double NormalizeDouble(double value, int digits) {
  double scale = std::pow(10.0, std::min(std::max(digits, 0), 8));
  return std::round(value * scale) / scale;
}

string TimeToString(datetime value, int parts) {
  std::time_t seconds = value;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  char date[32] = "", hour[32] = "";
  if (parts & TIME_DATE) std::strftime(date, sizeof date, "%Y.%m.%d", &tm);
  if (parts & TIME_SECONDS) std::strftime(hour, sizeof hour, "%H:%M:%S", &tm);
  else if (parts & TIME_MINUTES) std::strftime(hour, sizeof hour, "%H:%M", &tm);
  return string(std::string(date) + (*date && *hour ? " " : "") + hour);
}

datetime StringToTime(const string &text) {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  std::sscanf(text.bytes().c_str(), "%d.%d.%d %d:%d:%d", &year, &month, &day, &hour, &minute, &second);
  return StructToTime({year, month, day, hour, minute, second, 0, 0});
}

bool TimeToStruct(datetime value, MqlDateTime &parts) {
  std::time_t seconds = value;
  std::tm tm{};
  gmtime_r(&seconds, &tm);
  parts = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
           tm.tm_wday, tm.tm_yday};
  return true;
}

datetime StructToTime(const MqlDateTime &parts) {
  std::tm tm{};
  tm.tm_year = parts.year - 1900, tm.tm_mon = parts.mon - 1, tm.tm_mday = parts.day;
  tm.tm_hour = parts.hour, tm.tm_min = parts.min, tm.tm_sec = parts.sec;
  return timegm(&tm);
}

}  // namespace mql
