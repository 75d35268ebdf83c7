// StringFormat and Print: a conversion takes as many bits as it names, as the terminal's does.
#include <cstdio>

#include "terminal.hpp"

namespace mql {

namespace {

// One conversion, from '%' to its letter; `wide` when it names 64 bits.
struct Conversion {
  std::string flags;
  char letter = 0;
  bool wide = false;
};

Conversion conversion(const std::string &pattern, std::size_t &at) {
  Conversion one{"%"};
  for (++at; at < pattern.size(); ++at) {
    char unit = pattern[at];
    if (pattern.compare(at, 3, "I64") == 0 || pattern.compare(at, 2, "ll") == 0) {
      one.wide = true;
      at += unit == 'I' ? 2 : 1;
    } else if (pattern.compare(at, 3, "I32") == 0) {
      at += 2;
    } else if (std::isalpha(static_cast<unsigned char>(unit)) && unit != 'h' && unit != 'l') {
      one.letter = unit;
      ++at;
      break;
    } else if (unit != 'h' && unit != 'l') {
      one.flags += unit;
    }
  }
  return one;
}

std::string shown(const Conversion &how, const Value &value) {
  char text[512];
  std::string flags = how.flags;
  switch (how.letter) {
    case 's': return flags == "%" ? value.text.bytes() : [&] {
      std::snprintf(text, sizeof text, (flags + "s").c_str(), value.text.bytes().c_str());
      return std::string(text);
    }();
    case 'd': case 'i':
      std::snprintf(text, sizeof text, (flags + "ld").c_str(),
                    how.wide ? value.whole : static_cast<long>(static_cast<int>(value.whole)));
      return text;
    case 'u': case 'x': case 'X': case 'o':
      std::snprintf(text, sizeof text, (flags + 'l' + how.letter).c_str(),
                    how.wide ? static_cast<ulong>(value.whole)
                             : static_cast<ulong>(static_cast<uint>(value.whole)));
      return text;
    case 'c': return ShortToString(static_cast<ushort>(value.whole)).bytes();
    case 'f': case 'e': case 'E': case 'g': case 'G':
      std::snprintf(text, sizeof text, (flags + how.letter).c_str(), value.real);
      return text;
    default: critical("StringFormat: an unknown conversion", how.letter, 0);
  }
}

}  // namespace

string format(const string &pattern, std::initializer_list<Value> values) {
  std::string from = pattern.bytes(), to;
  auto next = values.begin();
  for (std::size_t at = 0; at < from.size();) {
    if (from[at] != '%') {
      to += from[at++];
    } else if (from.compare(at, 2, "%%") == 0) {
      to += '%';
      at += 2;
    } else {
      Conversion how = conversion(from, at);
      if (next == values.end()) critical("StringFormat: too few values", 0, 0);
      bool real = how.letter && std::strchr("feEgG", how.letter) != nullptr;
      bool text = how.letter == 's';
      bool fits = next->kind == Value::TEXT ? text : text || real == (next->kind == Value::REAL);
      if (!fits) critical("StringFormat: a value of another type", how.letter, 0);
      to += shown(how, *next++);
    }
  }
  if (next != values.end()) critical("StringFormat: too many values", 0, 0);
  return string(to);
}

void print(std::initializer_list<Value> values) {
  std::string line;
  for (const auto &value : values) line += value.text.bytes();
  for (auto &unit : line)
    if (unit == '\n' || unit == '\r') unit = ' ';
  terminal::say('>', line);
}

}  // namespace mql
