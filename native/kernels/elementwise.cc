#include "elementwise.h"

#include <math.h>

namespace mossctl {
namespace MOSSCTL_ISA {

namespace elementwise {

/** e^x over the whole range, infinite and denormal results and NaN included. */
static inline __attribute__((always_inline)) vf full_exp(vf x) {
  // Beyond the range of exp: (e^(x/2))², which loses nothing in x/2.
  const vi far = (x > splat(86.0f)) | (x < splat(-86.0f));
  const vf e = exp(far ? x * 0.5f : x);
  const vf result = far ? e * e : e;
  return x == x ? result : x;
}

template <typename F>
void map(const Call& call, int64_t size, F f) {
  split_elements(size, [&](int64_t first, int64_t n) {
    const float* x = call.floats(0) + first;
    float* y = call.floats(1) + first;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, f(load(x + i)));
    if (i < n) store_some(y + i, f(load_some(x + i, n - i)), n - i);
  });
}

static inline float softplus(float x) {
  const float positive = x > 0 ? x : 0;
  return x == x ? positive + log1pf(expf(-fabsf(x))) : x;
}

/** Towards zero; what does not fit keeps its low 32 bits, and what is no number is 0, as in JavaScript. */
static inline int32_t truncated(float x) {
  if (fabsf(x) < 2147483648.0f) return static_cast<int32_t>(x);
  if (!(fabsf(x) < INFINITY)) return 0;
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(fmod(x, 4294967296.0))));
}

}  // namespace elementwise

// Tensors: x, y. Numbers: op, size. Ops: 0 neg, 1 square, 2 sqrt, 3 rsqrt, 4 sigmoid, 5 softplus, 6 exp, 7 log, 8 relu,
// 9 expm1, 10 step (1 above 0, else 0).
const char* unary(const Call& call) {
  using namespace elementwise;
  REQUIRE(call.tensor_count == 2 && call.number_count == 2, "2 tensors and 2 numbers");
  const int64_t size = call.number(1);
  REQUIRE(call.tensors[0].size == size && call.tensors[1].size == size, "sizes of x or y");
  switch (call.number(0)) {
    case 0: map(call, size, [](vf x) { return -x; }); return nullptr;
    case 1: map(call, size, [](vf x) { return x * x; }); return nullptr;
    case 2: map(call, size, [](vf x) { return square_root(x); }); return nullptr;
    case 3: map(call, size, [](vf x) { return 1.0f / square_root(x); }); return nullptr;
    case 4: map(call, size, [](vf x) { return 1.0f / (full_exp(-x) + 1.0f); }); return nullptr;
    case 5: map(call, size, [](vf x) { return lanes(x, softplus); }); return nullptr;
    case 6: map(call, size, full_exp); return nullptr;
    case 7: map(call, size, [](vf x) { return lanes(x, logf); }); return nullptr;
    case 8: map(call, size, [](vf x) { return x < vf{} ? vf{} : x; }); return nullptr;
    case 9: map(call, size, [](vf x) { return lanes(x, expm1f); }); return nullptr;
    case 10: map(call, size, [](vf x) { return x > vf{} ? splat(1.0f) : x == x ? vf{} : x; }); return nullptr;
    default: return "no such op";
  }
}

// Tensors: y. Numbers: value.
const char* fill(const Call& call) {
  REQUIRE(call.tensor_count == 1 && call.number_count == 1, "1 tensor and 1 number");
  const float value = static_cast<float>(call.numbers[0]);
  split_elements(call.tensors[0].size, [&](int64_t first, int64_t n) {
    float* y = call.floats(0) + first;
    for (int64_t i = 0; i < n; i++) y[i] = value;
  });
  return nullptr;
}

// Tensors: x int32, y float32. Numbers: size.
const char* cast_to_float(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 1, "2 tensors and 1 number");
  const int64_t size = call.number(0);
  REQUIRE(call.tensors[0].size == size && call.tensors[1].size == size, "sizes of x or y");
  split_elements(size, [&](int64_t first, int64_t n) {
    const int32_t* x = call.integers(0) + first;
    float* y = call.floats(1) + first;
    for (int64_t i = 0; i < n; i++) y[i] = static_cast<float>(x[i]);
  });
  return nullptr;
}

// Tensors: x float32, y int32. Numbers: size.
const char* cast_to_int(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 1, "2 tensors and 1 number");
  const int64_t size = call.number(0);
  REQUIRE(call.tensors[0].size == size && call.tensors[1].size == size, "sizes of x or y");
  split_elements(size, [&](int64_t first, int64_t n) {
    const float* x = call.floats(0) + first;
    int32_t* y = static_cast<int32_t*>(call.tensors[1].data) + first;
    for (int64_t i = 0; i < n; i++) y[i] = elementwise::truncated(x[i]);
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
