// Vectors of floats as wide as the instruction set this file is compiled for, in the compiler's own vector
// extensions: one source for AVX2, AVX-512 and NEON. Everything lives in a namespace per instruction set, and nothing
// here is an inline function of the standard library: the linker would merge copies built for different machines.
#pragma once

#include <stdint.h>
#include <string.h>

#ifndef MOSSCTL_ISA
#error "compile isa.cc, once for each instruction set, with -DMOSSCTL_ISA=<name>"
#endif

namespace mossctl {
namespace MOSSCTL_ISA {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX2__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

typedef float vf __attribute__((vector_size(W * 4), may_alias));
typedef int32_t vi __attribute__((vector_size(W * 4), may_alias));
typedef uint32_t vu __attribute__((vector_size(W * 4), may_alias));
typedef float vf_unaligned __attribute__((vector_size(W * 4), may_alias, aligned(4)));
typedef int32_t vi_unaligned __attribute__((vector_size(W * 4), may_alias, aligned(4)));

static inline vf load(const float* p) { return *reinterpret_cast<const vf_unaligned*>(p); }
static inline void store(float* p, vf x) { *reinterpret_cast<vf_unaligned*>(p) = x; }

/** A bf16: the upper half of a float. */
typedef uint16_t half __attribute__((may_alias));
typedef half half_unaligned __attribute__((vector_size(W * 2), may_alias, aligned(2)));
/** W of them as floats, which is exact. GCC widens them in two halves: on x86 the instruction is named. */
static inline vf load(const half* p) {
  const half_unaligned& halves = *reinterpret_cast<const half_unaligned*>(p);
#if defined(__AVX2__)
  vu wide;
  asm("vpmovzxwd %1, %0" : "=v"(wide) : "m"(halves));
#else
  const vu wide = __builtin_convertvector(halves, vu);
#endif
  const vu bits = wide << 16;
  return reinterpret_cast<const vf&>(bits);
}
static inline float to_float(float x) { return x; }
static inline float to_float(half x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
static inline vf splat(float x) { return x - vf{}; }
/** The bits of x rounded to bf16, to the nearest, ties to even: a float whose low half is zero. */
static inline vu bf16_bits(vf x) {
  const vu bits = reinterpret_cast<const vu&>(x);
  return (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000;
}
static inline vf from_bits(vu bits) { return reinterpret_cast<const vf&>(bits); }

#if defined(__AVX512F__) && !defined(MOSSCTL_NO_BF16_PAIRS)
#define MOSSCTL_BF16_PAIRS
/**
 * acc + both products of each pair of bf16. Named to the assembler, because the rest of this instruction set does not
 * need it: addon.cc asks the processor first.
 */
static inline __attribute__((always_inline)) vf multiply_add_pairs(vf x, vf y, vf acc) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(acc) : "v"(x), "v"(y));
  return acc;
}
#endif

/** The 4 bytes at p in every lane, whatever they mean. */
static inline vf splat_bits(const float* p) {
  int32_t bits;
  memcpy(&bits, p, sizeof bits);
  const vi lanes = bits - vi{};
  return reinterpret_cast<const vf&>(lanes);
}

/** The first n lanes; the others are `rest`. */
template <typename T>
static inline vf load_some(const T* p, int64_t n, float rest = 0) {
  vf x = splat(rest);
  for (int64_t i = 0; i < n; i++) x[i] = to_float(p[i]);
  return x;
}
static inline void store_some(float* p, vf x, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = x[i];
}

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, vi{__VA_ARGS__})
#endif

/** The lanes of a and b in turn: a0 b0 a1 b1 …, the first half in lo. */
static inline void interleave(vf a, vf b, vf& lo, vf& hi) {
#if defined(__AVX512F__)
  lo = SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  hi = SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
  lo = SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  hi = SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  lo = SHUFFLE(a, b, 0, 4, 1, 5);
  hi = SHUFFLE(a, b, 2, 6, 3, 7);
#endif
}

/** The opposite: the even lanes of a and b, one after the other, and the odd ones. */
static inline void separate(vf a, vf b, vf& even, vf& odd) {
#if defined(__AVX512F__)
  even = SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  odd = SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(__AVX2__)
  even = SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  odd = SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
  even = SHUFFLE(a, b, 0, 2, 4, 6);
  odd = SHUFFLE(a, b, 1, 3, 5, 7);
#endif
}

/** Transposes W rows of W floats: log2 W rounds, each interleaving row i with row i + W/2. */
static inline void transpose(vf (&rows)[W]) {
  for (int round = 1; round < W; round *= 2) {
    vf next[W];
    for (int i = 0; i < W / 2; i++) {
      vf lo, hi;
      interleave(rows[i], rows[i + W / 2], lo, hi);
      next[2 * i] = lo;
      next[2 * i + 1] = hi;
    }
    for (int i = 0; i < W; i++) rows[i] = next[i];
  }
}

static inline float sum(vf x) {
  float lanes[W];
  memcpy(lanes, &x, sizeof lanes);
  for (int width = W / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}
static inline vf larger(vf a, vf b) { return a > b ? a : b; }
static inline vf smaller(vf a, vf b) { return a < b ? a : b; }
static inline float largest(vf x) {
  float lanes[W];
  memcpy(lanes, &x, sizeof lanes);
  float result = lanes[0];
  for (int i = 1; i < W; i++) result = lanes[i] > result ? lanes[i] : result;
  return result;
}

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/**
 * e^x to about 1 unit in the last place of fp32: x = n·ln 2 + r, a polynomial for e^r (Cephes' expf), n into the
 * exponent. Below −87 the result is 0, above 88 it is e^88.
 */
static inline vf exp(vf x) {
  const vf clamped = larger(smaller(x, splat(88.0f)), splat(-87.0f));
  const vf shifter = splat(12582912.0f);  // 1.5·2^23: adding it rounds to an integer held in the low bits
  const vf shifted = clamped * 1.44269504088896341f + shifter;
  const vf n = shifted - shifter;
  const vf r = clamped - n * 0.693359375f - n * -2.12194440e-4f;
  vf p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const vi exponent = (reinterpret_cast<const vi&>(shifted) - 0x4B400000) << 23;
  const vi bits = reinterpret_cast<const vi&>(p) + exponent;
  const vf result = reinterpret_cast<const vf&>(bits);
  const vf ordinary = x < splat(-87.0f) ? vf{} : result;
  return x == x ? ordinary : x;  // NaN stays NaN
}

/** Part `part` of `parts`, [begin, end), of `count` things, in multiples of `unit`. */
struct Range {
  int64_t begin, end;
};
static inline Range share(int64_t count, int64_t part, int64_t parts, int64_t unit = 1) {
  const int64_t units = ceil_div(count, unit);
  const int64_t begin = units * part / parts * unit;
  const int64_t end = units * (part + 1) / parts * unit;
  return {smaller(begin, count), smaller(end, count)};
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
