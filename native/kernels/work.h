// What the kernels share that do little more than move memory: sizes read safely, and work cut into pieces for the threads.
#pragma once

#include "../call.h"
#include "../pool.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

/** a · b, or −1 where that overflows or one of them is −1. */
static inline int64_t product(int64_t a, int64_t b) {
  int64_t result;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &result) ? -1 : result;
}

/** The least and the most of n numbers, 0 and −1 counted in: of none, an empty range. */
struct Extremes {
  int32_t least = 0, most = -1;
};
static inline Extremes extremes(const int32_t* x, int64_t n) {
  Extremes found;
  for (int64_t i = 0; i < n; i++) {
    found.least = x[i] < found.least ? x[i] : found.least;
    found.most = x[i] > found.most ? x[i] : found.most;
  }
  return found;
}
/** Whether all of them are indices below `limit`. */
static inline bool all_within(const int32_t* x, int64_t n, int64_t limit) {
  const Extremes found = extremes(x, n);
  return found.least >= 0 && found.most < limit;
}

/**
 * body(piece, thread) for each piece 0 … count − 1, side by side: whoever is free takes the next one. What a piece
 * computes may depend on its number alone, never on `thread`, which is for scratch. `multiply_adds` of all pieces: a
 * job of too few runs on the caller alone. Pieces of 10 to 50 µs are best.
 */
template <typename Body>
void in_pieces(int64_t count, double multiply_adds, const Body& body) {
  Pool::instance().run(
      [](void* context, int64_t piece, int thread) { (*static_cast<const Body*>(context))(piece, thread); },
      const_cast<Body*>(&body), count, multiply_adds);
}

/** body(range, thread): the parts of 0 … count, in multiples of `unit`; all of it is work of so many elements. */
template <typename Body>
void split_over(int64_t elements, int64_t count, int64_t unit, const Body& body) {
  if (count <= 0) return;
  constexpr int64_t each = 16384;  // some 5 to 10 µs
  constexpr double cost = 16;   // of an element, in multiply-adds, as far as waking others is concerned
  const int64_t pieces = smaller(ceil_div(count, unit), larger(1, elements / each));
  in_pieces(pieces, cost * static_cast<double>(elements),
            [&](int64_t piece, int thread) { body(share(count, piece, pieces, unit), thread); });
}

/** One element at a time, as far as threads and cache lines are concerned. */
template <typename Body>
void split_elements(int64_t count, const Body& body) {
  split_over(count, count, 16, [&](Range part, int) { body(part.begin, part.end - part.begin); });
}

/** f of every lane: for functions that have no vector form. */
template <typename F>
static inline __attribute__((always_inline)) vf lanes(vf x, F f) {
  float values[W];
  memcpy(values, &x, sizeof values);
  for (int i = 0; i < W; i++) values[i] = f(values[i]);
  memcpy(&x, values, sizeof values);
  return x;
}
static inline __attribute__((always_inline)) vf square_root(vf x) {
  return lanes(x, [](float lane) { return __builtin_sqrtf(lane); });
}

typedef float half_vf __attribute__((vector_size(W * 2), may_alias, aligned(4)));
typedef double vd __attribute__((vector_size(W * 4)));

/** Half a vector as doubles. */
static inline __attribute__((always_inline)) vd load_double(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const half_vf*>(p), vd);
}

/** Σ f(x) over n floats in double precision; f takes and gives a vector of doubles, or one double. */
template <typename F>
static inline double sum_double(const float* x, int64_t n, F f) {
  constexpr int64_t H = W / 2;
  vd sums[8] = {};
  int64_t i = 0;
  for (; i + 8 * H <= n; i += 8 * H) {
    for (int j = 0; j < 8; j++) sums[j] += f(load_double(x + i + j * H));
  }
  for (; i + H <= n; i += H) sums[0] += f(load_double(x + i));
  double rest = 0;
  for (; i < n; i++) rest += f(static_cast<double>(x[i]));
  for (int width = 4; width > 0; width /= 2) {
    for (int j = 0; j < width; j++) sums[j] += sums[j + width];
  }
  for (int64_t j = 0; j < H; j++) rest += sums[0][j];
  return rest;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
