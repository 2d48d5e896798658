// The logits of one draw: what each token weighs, what top-k and top-p leave, and which of them a number falls to. As in
// src/tensor/ops/sample-token.ts, which says how: the same tokens from the same logits, whatever the instruction set. So no
// multiply-add may be fused where a weight is computed, and weights are whole numbers, whose sums are exact in any order.
#pragma once

#include <limits.h>
#include <math.h>

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

constexpr int64_t sample_chunk = 64;    // logits with one maximum: what cannot hold a candidate is passed over
constexpr int64_t sample_block = 1024;  // weights with one sum: the draw falls into a block, then onto a token
constexpr int ranges_per_nat = 32;   // of logits over the temperature: tokens about as likely as each other
constexpr int nucleus_ranges = 24 * ranges_per_nat;  // all that weigh anything are in those before the last

/** a · b, rounded by itself: the compiler does not see what it would fuse with an addition. */
static inline __attribute__((always_inline)) vf times(vf a, vf b) {
  vf result = a * b;
#if defined(__aarch64__)
  asm("" : "+w"(result));
#elif defined(__AVX512F__)
  asm("" : "+v"(result));
#else
  asm("" : "+x"(result));
#endif
  return result;
}

/**
 * 2^32 · e^z as a whole number, for z ≤ 0: `weightOf` of sample-token.ts, operation for operation. Below −23 it is that of
 * −23, which is 0; and 32 is added to n where it is rounded, for the exponent.
 */
static inline __attribute__((always_inline)) vf weight_of(vf z) {
  const vf shifter = splat(12582912.0f + 32), whole = splat(8388608.0f);
  const vf clamped = larger(z, splat(-23.0f));
  const vf shifted = times(clamped, splat(1.44269504088896341f)) + shifter;
  const vf n = shifted - shifter;
  const vf r = (clamped - times(n, splat(0.693359375f))) - times(n, splat(-2.1219444e-4f));
  vf p = times(r, splat(1.98756915e-4f)) + 1.3981999507e-3f;
  p = times(p, r) + 8.3334519073e-3f;
  p = times(p, r) + 4.1665795894e-2f;
  p = times(p, r) + 1.6666665459e-1f;
  p = times(p, r) + 5.0000001201e-1f;
  p = times(times(p, r), r) + r + 1.0f;
  const vi bits = reinterpret_cast<const vi&>(p) + (reinterpret_cast<const vi&>(shifted) << 23);
  const vf weight = reinterpret_cast<const vf&>(bits);
  return weight >= whole ? weight : (weight + whole) - whole;
}

/** The least likely token that is left: of its equals, those with a smaller id are left too. */
struct Cut {
  float logit = -INFINITY;
  int64_t id = LONG_MAX;
};

/** The logits of one draw, and the scratch that goes with them. */
struct RowLogits {
  const float* x;
  int64_t size;
  float top, inverse;
  float* peaks;  // the largest of each chunk
  double* sums;  // of the weights of each block
  float* block;  // the weights of one
  int32_t* heap;  // ids, the least likely at its root

  /** Finds the largest of all and of each chunk; false where one of them is no number. */
  bool find_top() {
    vi strange{};
    top = -INFINITY;
    for (int64_t first = 0; first < size; first += sample_chunk) {
      const int64_t end = smaller(size, first + sample_chunk);
      vf most = splat(-INFINITY);
      for (int64_t j = first; j < end; j += W) {
        const vf values = j + W <= end ? load(x + j) : load_some(x + j, end - j, -INFINITY);
        most = larger(values, most);
        strange |= values != values;
      }
      const float peak = largest(most);
      peaks[first / sample_chunk] = peak;
      top = peak > top ? peak : top;
    }
    int32_t lanes[W], any = 0;
    memcpy(lanes, &strange, sizeof lanes);
    for (int i = 0; i < W; i++) any |= lanes[i];
    return any == 0;
  }

  /** The first of the largest. */
  int64_t argmax() const {
    int64_t chunk = 0;
    while (peaks[chunk] != top) chunk++;
    int64_t id = chunk * sample_chunk;
    while (x[id] != top) id++;
    return id;
  }

  float weigh(float logit) const { return weight_of(splat((logit - top) * inverse))[0]; }

  bool is_before(int32_t a, int32_t b) const { return x[a] > x[b] || (x[a] == x[b] && a < b); }

  /** f(j, logits) for each W of the block from `first` on; past the last they are −∞. */
  template <typename F>
  void for_block(int64_t first, F f) const {
    const int64_t end = smaller(size, first + sample_block);
    for (int64_t j = first; j < end; j += W) f(j, j + W <= end ? load(x + j) : load_some(x + j, end - j, -INFINITY));
  }

  /** Fills `block` with the weights of the block from `first` on; 0 where they are below `least` or cut off. */
  void weigh_block(int64_t first, const Cut& cut, float least) const {
    if (least == 0 && cut.id >= size) {
      for_block(first, [&](int64_t j, vf values) { store(block + j - first, weight_of((values - top) * inverse)); });
      return;
    }
    for_block(first, [&](int64_t j, vf values) {
      const vf weight = weight_of((values - top) * inverse);
      store(block + j - first, (weight >= splat(least) && values >= splat(cut.logit)) ? weight : vf{});
    });
    if (cut.id >= size) return;
    const int64_t end = smaller(size, first + sample_block);
    for (int64_t id = larger(first, cut.id + 1); id < end; id++) {
      if (x[id] == cut.logit) block[id - first] = 0;
    }
  }

  /** Σ of the weights of the block from `first` on. */
  double sum_block(int64_t first, const Cut& cut, float least) const {
    float peak = -INFINITY;
    for (int64_t j = first; j < smaller(size, first + sample_block); j += sample_chunk) {
      peak = peaks[j / sample_chunk] > peak ? peaks[j / sample_chunk] : peak;
    }
    if (peak < cut.logit) return 0;
    weigh_block(first, cut, least);
    return sum_double(block, smaller(sample_block, size - first), [](auto weight) { return weight; });
  }

  /** Lets the id at `at` sink to where none below it is less likely. */
  void sink(int64_t at, int64_t count) const {
    const int32_t id = heap[at];
    for (;;) {
      int64_t child = 2 * at + 1;
      if (child + 1 < count && is_before(heap[child], heap[child + 1])) child++;
      if (child >= count || !is_before(id, heap[child])) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }
  void make_heap(int64_t count) const {
    for (int64_t at = count / 2 - 1; at >= 0; at--) sink(at, count);
  }
  /** Likeliest first. */
  void sort_heap(int64_t count) const {
    for (int64_t end = count - 1; end > 0; end--) {
      const int32_t least = heap[0];
      heap[0] = heap[end];
      heap[end] = least;
      sink(0, end);
    }
  }

  /** The `count` likeliest ids into `heap`, likeliest first. */
  void find_likeliest(int64_t count) const {
    for (int64_t i = 0; i < count; i++) heap[i] = static_cast<int32_t>(i);
    make_heap(count);
    for (int64_t id = count; id < size;) {
      if (id % sample_chunk == 0 && peaks[id / sample_chunk] <= x[heap[0]]) {
        id += sample_chunk;  // of equals, the smaller id is there already
        continue;
      }
      if (x[id] > x[heap[0]]) {
        heap[0] = static_cast<int32_t>(id);
        sink(0, count);
      }
      id++;
    }
    sort_heap(count);
  }

  /** The last of `count` ids in `heap` that is needed to reach `wanted`, from `reached` on. */
  Cut cut_at(int64_t count, double reached, double wanted) const {
    int64_t i = 0;
    for (; i < count - 1; i++) {
      reached += weigh(x[heap[i]]);
      if (reached >= wanted) break;
    }
    return {x[heap[i]], heap[i]};
  }

  /** What top-k leaves, and top-p of that. */
  Cut cut_to_likeliest(int64_t count, double top_p) const {
    find_likeliest(count);
    if (top_p >= 1) return {x[heap[count - 1]], heap[count - 1]};
    double mass = 0;
    for (int64_t i = 0; i < count; i++) mass += weigh(x[heap[i]]);
    return cut_at(count, 0, top_p * mass);
  }

  /** What top-p leaves of all: sums over ranges of logits say in which range it ends, and only that one is put in order. */
  Cut cut_to_nucleus(double top_p) const {
    double masses[nucleus_ranges + 1] = {}, total = 0;
    int32_t ranges[W];
    const auto range_of = [&](vf values) {
      const vf range = (top - values) * inverse * static_cast<float>(ranges_per_nat);
      const vi whole = __builtin_convertvector(smaller(range, splat(nucleus_ranges)), vi);
      memcpy(ranges, &whole, sizeof whole);
    };
    for (int64_t first = 0; first < size; first += sample_block) {
      weigh_block(first, Cut{}, 0);
      for_block(first, [&](int64_t j, vf values) {
        range_of(values);
        for (int i = 0; i < W; i++) masses[ranges[i]] += block[j - first + i];
      });
    }
    for (const double mass : masses) total += mass;
    const double wanted = top_p * total;
    double reached = 0;
    int32_t range = 0;
    while (range < nucleus_ranges && reached + masses[range] < wanted) reached += masses[range++];
    int64_t count = 0;
    for (int64_t first = 0; first < size; first += sample_block) {
      for_block(first, [&](int64_t j, vf values) {
        range_of(values);
        for (int i = 0; i < W; i++) {
          if (ranges[i] == range && j + i < size) heap[count++] = static_cast<int32_t>(j + i);
        }
      });
    }
    make_heap(count);
    sort_heap(count);
    return cut_at(count, reached, wanted);
  }

  /** The one that `uniform` falls to, in the order of the ids. */
  int64_t draw(double uniform, const Cut& cut, float least) const {
    const int64_t blocks = ceil_div(size, sample_block);
    double total = 0;
    for (int64_t b = 0; b < blocks; b++) total += sums[b] = sum_block(b * sample_block, cut, least);
    const double target = uniform * total;
    double reached = 0, before = 0;
    int64_t chosen = 0;
    for (int64_t b = 0; b < blocks && !(reached > target); b++) {
      if (sums[b] == 0) continue;
      chosen = b;
      before = reached;
      reached += sums[b];
    }
    const int64_t first = chosen * sample_block;
    weigh_block(first, cut, least);
    int64_t last = 0;
    for (int64_t i = 0; i < smaller(sample_block, size - first) && !(before > target); i++) {
      if (block[i] == 0) continue;
      before += block[i];
      last = i;
    }
    return first + last;
  }
};

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
