// One kernel call: tensors in the arena and plain numbers. A kernel checks that its tensors hold as many elements as
// its numbers say, and returns what is wrong (nullptr: nothing); it never reads or writes outside them.
#pragma once

#include <stdint.h>

#include <initializer_list>

namespace mossctl {

/** `size` elements of 4 bytes: float32 or int32. */
struct Tensor {
  void* data;
  int64_t size;

  float* floats() const { return static_cast<float*>(data); }
  const int32_t* integers() const { return static_cast<const int32_t*>(data); }
};

struct Call {
  const Tensor* tensors;
  int tensor_count;
  const double* numbers;
  int number_count;

  float* floats(int i) const { return tensors[i].floats(); }
  const int32_t* integers(int i) const { return tensors[i].integers(); }
  /** A size or an index: a whole number from 0 to 2^40, else −1. */
  int64_t number(int i) const {
    const double x = numbers[i];
    if (!(x >= 0 && x <= 1099511627776.0)) return -1;
    const int64_t whole = static_cast<int64_t>(x);
    return static_cast<double>(whole) == x ? whole : -1;
  }
  /** Whether tensor i has a · b · c · d elements, none of them negative. */
  bool holds(int i, int64_t a, int64_t b = 1, int64_t c = 1, int64_t d = 1) const {
    int64_t size = 1;
    for (const int64_t extent : {a, b, c, d}) {
      if (extent < 0 || __builtin_mul_overflow(size, extent, &size)) return false;
    }
    return tensors[i].size == size;
  }
};

using KernelFunction = const char* (*)(const Call&);

/** Returns from a kernel unless `condition` holds. */
#define REQUIRE(condition, message) \
  if (!(condition)) return message

}  // namespace mossctl
