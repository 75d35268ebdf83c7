// UTF-8 to UTF-16 and back as CP_UTF8 does (what is no UTF-8 becomes U+FFFD), and critical errors.
#include "text.hpp"

#include <cstdio>
#include <cstdlib>
#include <sanitizer/common_interface_defs.h>

namespace mql {

namespace {

// Returns the length of the UTF-8 sequence at `at` and its code point; 0 when it is none.
std::size_t sequence(const unsigned char *at, std::size_t left, std::uint32_t &point) {
  static const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (*at < 0x80) {
    point = *at;
    return 1;
  }
  std::size_t length = *at >= 0xF0 && *at < 0xF8 ? 4 : *at >= 0xE0 ? 3 : *at >= 0xC0 ? 2 : 0;
  if (length == 0 || *at >= 0xF8 || length > left) return 0;
  point = *at & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at[i] & 0xC0) != 0x80) return 0;
    point = point << 6 | (at[i] & 0x3F);
  }
  bool surrogate = point >= 0xD800 && point < 0xE000;
  return point < least[length] || point > 0x10FFFF || surrogate ? 0 : length;
}

}  // namespace

std::u16string utf16(const char *bytes, std::size_t count) {
  std::u16string text;
  text.reserve(count);
  auto *at = reinterpret_cast<const unsigned char *>(bytes);
  for (std::size_t i = 0; i < count;) {
    std::uint32_t point = 0xFFFD;
    std::size_t length = sequence(at + i, count - i, point);
    if (length == 0) point = 0xFFFD;
    i += length == 0 ? 1 : length;
    if (point >= 0x10000) {
      text += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10));
      text += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
    } else {
      text += static_cast<char16_t>(point);
    }
  }
  return text;
}

std::string utf8(const std::u16string &text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::uint32_t point = text[i];
    bool high = point >= 0xD800 && point < 0xDC00 && i + 1 < text.size();
    if (high && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (text[++i] - 0xDC00u);
    } else if (point >= 0xD800 && point < 0xE000) {
      point = 0xFFFD;
    }
    if (point < 0x80) {
      bytes += static_cast<char>(point);
    } else if (point < 0x800) {
      bytes += static_cast<char>(0xC0 | point >> 6);
      bytes += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      if (point >= 0x10000) {
        bytes += static_cast<char>(0xF0 | point >> 18);
        bytes += static_cast<char>(0x80 | (point >> 12 & 0x3F));
      } else {
        bytes += static_cast<char>(0xE0 | point >> 12);
      }
      bytes += static_cast<char>(0x80 | (point >> 6 & 0x3F));
      bytes += static_cast<char>(0x80 | (point & 0x3F));
    }
  }
  return bytes;
}

string::string(const char *bytes) {
  if (bytes != nullptr) *this = string(std::string(bytes));
}

string::string(double value) {
  char shown[64];
  std::snprintf(shown, sizeof shown, "%.16g", value);
  *this = string(std::string(shown));
}

ushort string::operator[](int at) const {
  if (at < 0 || static_cast<std::size_t>(at) >= text_.size())
    critical("string index out of range", at, static_cast<long>(text_.size()));
  return text_[static_cast<std::size_t>(at)];
}

void critical(const char *what, long index, long size) {
  std::printf("! critical: %s (index %ld, size %ld)\n", what, index, size);
  std::fflush(stdout);
  __sanitizer_print_stack_trace();
  std::_Exit(70);
}

}  // namespace mql
