// Arrays of MQL with bounds, dynamic and fixed, and the Array* functions. Used by Experts and shim.
#pragma once
#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include "text.hpp"

namespace mql {

constexpr int WHOLE_ARRAY = -1;

struct Fixed {
  int size;
  bool zero;  // globals and statics begin as zeros, locals as anything
};

template <class T>
class Array {
 public:
  using Element = T;
  Array() = default;
  Array(Fixed fixed) : fixed_(true) { grow(fixed.size, fixed.zero); }
  Array(Fixed fixed, std::initializer_list<T> values) : Array(values) {
    int listed = size_;
    if (fixed.size > listed) {
      grow(fixed.size, true);
      for (int i = listed; i < size_; ++i) data_[i] = T{};
    }
  }
  Array(std::initializer_list<T> values) : fixed_(true) {
    grow(static_cast<int>(values.size()), true);
    std::copy(values.begin(), values.end(), data_.get());
  }
  Array(const Array &other) : fixed_(other.fixed_) { *this = other; }
  Array &operator=(const Array &other) {
    if (this == &other) return *this;
    size_ = 0;
    grow(other.size_, false);
    std::copy(other.begin(), other.end(), data_.get());
    return *this;
  }
  template <class I>
  T &operator[](I at) {
    if (at < I{0} || static_cast<ulong>(at) >= static_cast<ulong>(size_))
      critical("array out of range", static_cast<long>(at), size_);
    return data_[at];
  }
  template <class I>
  const T &operator[](I at) const { return const_cast<Array &>(*this)[at]; }

  int size() const { return size_; }
  bool fixed() const { return fixed_; }
  T *begin() { return data_.get(); }
  T *end() { return data_.get() + size_; }
  const T *begin() const { return data_.get(); }
  const T *end() const { return data_.get() + size_; }
  int resize(int size) {
    if (size < 0 || (fixed_ && size > size_)) return -1;
    if (!fixed_) grow(size, false);
    return size_;
  }

 private:
  // New numbers hold a pattern, not zeros: MQL promises nothing about them.
  void grow(int size, bool zero) {
    if (size > room_) {
      int room = std::max(size, std::min(room_ * 2, INT_MAX / 2));
      std::unique_ptr<T[]> data(new T[static_cast<std::size_t>(room)]);
      std::move(begin(), end(), data.get());
      data_ = std::move(data);
      room_ = room;
    }
    for (int i = size_; i < size; ++i) {
      if constexpr (std::is_same_v<T, bool>) data_[i] = !zero;
      else if constexpr (std::is_arithmetic_v<T>) std::memset(&data_[i], zero ? 0 : 0xA5, sizeof(T));
      else data_[i] = T{};
    }
    size_ = size;
  }

  std::unique_ptr<T[]> data_;
  int size_ = 0, room_ = 0;
  bool fixed_ = false;
};

template <class T>
int ArraySize(const Array<T> &array) { return array.size(); }
template <class T>
int ArrayRange(const Array<T> &array, int) { return array.size(); }
template <class T>
bool ArrayIsDynamic(const Array<T> &array) { return !array.fixed(); }
template <class T>
int ArrayResize(Array<T> &array, int size, int = 0) { return array.resize(size); }
template <class T>
void ArrayFree(Array<T> &array) { array.resize(0); }
template <class T>
bool ArraySetAsSeries(const Array<T> &, bool series) { return !series; }

template <class T, class V>
int ArrayInitialize(Array<T> &array, V value) {
  std::fill(array.begin(), array.end(), static_cast<T>(value));
  return array.size();
}
template <class T, class V>
void ArrayFill(Array<T> &array, int start, int count, V value) {
  if (count <= 0) return;
  array[start], array[start + count - 1];
  std::fill_n(array.begin() + start, count, static_cast<T>(value));
}
template <class T, class S>
int ArrayCopy(Array<T> &to, const Array<S> &from, int to_start = 0, int from_start = 0,
              int count = WHOLE_ARRAY) {
  int left = from.size() - from_start;
#ifdef __MQL5__
  bool rest = count < 0;
#else
  bool rest = count <= 0;  // MQL4 takes 0 for all that is left, and an array copied to itself for undefined
  if (static_cast<const void *>(&to) == &from) critical("ArrayCopy: an array to itself", 0, 0);
#endif
  if (rest || count > left) count = left;
  if (count <= 0 || from_start < 0 || to_start < 0) return 0;
  if (to.size() < to_start + count && to.resize(to_start + count) < 0)
    count = to.size() - to_start;
  for (int i = 0; i < count; ++i) {
    bool down = static_cast<const void *>(&to) == &from && to_start > from_start;
    int at = down ? count - 1 - i : i;
    to[to_start + at] = static_cast<T>(from[from_start + at]);
  }
  return std::max(count, 0);
}
template <class T>
bool ArrayReverse(Array<T> &array, int start = 0, int count = WHOLE_ARRAY) {
  if (count == WHOLE_ARRAY) count = array.size() - start;
  if (start < 0 || count < 0 || start + count > array.size()) return false;
  std::reverse(array.begin() + start, array.begin() + start + count);
  return true;
}
template <class T>
bool ArraySort(Array<T> &array) {
  std::sort(array.begin(), array.end());
  return true;
}
#ifdef __MQL5__
template <class T>
bool ArrayRemove(Array<T> &array, int start, int count = WHOLE_ARRAY) {
  if (count == WHOLE_ARRAY || start + count > array.size()) count = array.size() - start;
  if (start < 0 || count < 0 || array.fixed()) return false;
  std::move(array.begin() + start + count, array.end(), array.begin() + start);
  array.resize(array.size() - count);
  return true;
}
template <class T>
bool ArraySwap(Array<T> &a, Array<T> &b) {
  if (a.fixed() || b.fixed()) return false;
  std::swap(a, b);
  return true;
}
#endif
template <class T>
int ArrayCompare(const Array<T> &a, const Array<T> &b) {
  if (std::equal(a.begin(), a.end(), b.begin(), b.end())) return 0;
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end()) ? -1 : 1;
}
template <class T>
void ZeroMemory(T &value) { value = T{}; }
template <class T>
void ZeroMemory(Array<T> &array) { std::fill(array.begin(), array.end(), T{}); }

}  // namespace mql
