// The string of MQL: UTF-16 units, and a NULL state that differs from "". Used by Experts and shim.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace mql {

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;
using datetime = long;
using color = int;

std::u16string utf16(const char *bytes, std::size_t count);
std::string utf8(const std::u16string &text);

class string {
 public:
  string() = default;
  string(const char *bytes);
  string(const std::string &bytes) : text_(utf16(bytes.data(), bytes.size())), null_(false) {}
  string(std::u16string text) : text_(std::move(text)), null_(false) {}
  explicit string(bool value) : string(value ? "true" : "false") {}
  explicit string(double value);
  explicit string(float value) : string(static_cast<double>(value)) {}
  template <class T, class = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>,
            class = std::enable_if_t<!std::is_same_v<T, bool>>>
  explicit string(T value) : string(std::to_string(static_cast<std::conditional_t<
      std::is_same_v<T, ulong>, ulong, long>>(value))) {}

  bool null() const { return null_; }
  const std::u16string &units() const { return text_; }
  std::u16string &change() { null_ = false; return text_; }
  std::string bytes() const { return utf8(text_); }
  ushort operator[](int at) const;
  string &operator+=(const string &more) { change() += more.text_; return *this; }
  template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
  string &operator+=(T more) { return *this += string(more); }

 private:
  std::u16string text_;
  bool null_ = true;
};

inline string operator""_s(const char *bytes, std::size_t count) {
  return string(utf16(bytes, count));
}
inline string operator+(const string &a, const string &b) { string sum = a; return sum += b; }
template <class T>
using Number = std::enable_if_t<std::is_arithmetic_v<T> || std::is_enum_v<T>>;
template <class T, class = Number<T>>
string operator+(const string &a, T b) { return a + string(b); }
template <class T, class = Number<T>>
string operator+(T a, const string &b) { return string(a) + b; }
inline bool operator==(const string &a, const string &b) {
  return a.null() == b.null() && a.units() == b.units();
}
inline bool operator!=(const string &a, const string &b) { return !(a == b); }
inline bool operator<(const string &a, const string &b) { return a.units() < b.units(); }
inline bool operator>(const string &a, const string &b) { return b < a; }
inline bool operator<=(const string &a, const string &b) { return !(b < a); }
inline bool operator>=(const string &a, const string &b) { return !(a < b); }

// Ends the Expert as the terminal does at a critical error: what it was and where, exit code 70.
[[noreturn]] void critical(const char *what, long index, long size);

}  // namespace mql
