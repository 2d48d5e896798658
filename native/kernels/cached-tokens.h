// Attention of tokens that decode over the cache, and how that lies: in blocks of NR columns, the keys of a group as the product
// with queries reads them [D, NR], its values as they came [NR, D]. All heads' blocks are read one after the other; those that
// several tokens have copies of, once for all of these.
#pragma once

#include <type_traits>

#include "attention-work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace cached {

struct Cache {
  int64_t groups, dim, capacity;
  float *keys, *values;

  /** Where the NR columns from NR · block on lie, of keys and of values alike. */
  int64_t block(int64_t block, int64_t g) const { return (block * groups + g) * dim * NR; }
};

struct Work : Cache {
  int64_t n, heads;
  const float *q, *k, *v;
  const int32_t *ranges, *columns;
  const int32_t* twins;  // or none
  float* out;
  float scale;

  /** Blocks at the beginning of what token i sees that are copies of others, and the first of these. */
  int64_t copied(int64_t i) const {
    if (!twins || first(i) % NR != 0 || twin(i) % NR != 0) return 0;
    return smaller(twins[2 * i + 1], last(i) + 1 - first(i)) / NR;
  }
  int64_t twin(int64_t i) const { return twins[2 * i]; }
  int64_t per_group() const { return heads / groups; }
  int64_t first(int64_t i) const { return ranges[2 * i]; }
  int64_t last(int64_t i) const { return ranges[2 * i + 1]; }
};

/**
 * Asks for what lies this far ahead: a processor's own look-ahead ends with a page of memory, and a token's keys and values
 * are some hundred pages, each read once.
 */
constexpr int64_t ahead = 2048;  // floats
static inline void fetch(const float* p, int64_t floats) {
  for (int64_t i = 0; i < floats; i += 16) __builtin_prefetch(p + ahead + i);
}

/** scores[m] (+)= q[m] · each of the NR keys of a block, M heads (or tokens), `depth` of their numbers, `stride` apart in q. */
template <int M>
static inline void score_block(const float* q, int64_t stride, const float* keys, int64_t depth, float* scores, int64_t row,
                               bool accumulate) {
  vf acc[M][NV] = {};
  for (int64_t d = 0; d < depth; d++) {
    fetch(keys + d * NR, NR);
#pragma GCC unroll 4
    for (int m = 0; m < M; m++) {
      const vf x = splat(q[m * stride + d]);
#pragma GCC unroll 2
      for (int v = 0; v < NV; v++) acc[m][v] += x * load(keys + d * NR + v * W);
    }
  }
  for (int m = 0; m < M; m++) {
    for (int v = 0; v < NV; v++) {
      float* to = scores + m * row + v * W;
      store(to, accumulate ? acc[m][v] + load(to) : acc[m][v]);
    }
  }
}

/** out[m] += Σ_s weights[m][s] · v[s] in V vectors, M heads `apart` in out, one unbroken sum for each number. */
template <int M, int V>
static inline void add_values(int64_t count, const float* weights, int64_t row, const float* v, int64_t dim, float* out,
                              int64_t apart) {
  vf acc[M][V];
  for (int m = 0; m < M; m++) {
    for (int i = 0; i < V; i++) acc[m][i] = load(out + m * apart + i * W);
  }
  for (int64_t s = 0; s < count; s++) {
    vf value[V];
    fetch(v + s * dim, V * W);
#pragma GCC unroll 8
    for (int i = 0; i < V; i++) value[i] = load(v + s * dim + i * W);
#pragma GCC unroll 4
    for (int m = 0; m < M; m++) {
      const vf weight = splat(weights[m * row + s]);
#pragma GCC unroll 8
      for (int i = 0; i < V; i++) acc[m][i] += weight * value[i];
    }
  }
  for (int m = 0; m < M; m++) {
    for (int i = 0; i < V; i++) store(out + m * apart + i * W, acc[m][i]);
  }
}

/** As wide as fits: M · V sums in half of the registers. */
template <int M, int V>
static inline void add_values_from(int64_t d, int64_t count, const float* weights, int64_t row, const float* v, int64_t dim,
                                   float* out, int64_t apart) {
  for (; d + V * W <= dim; d += V * W) add_values<M, V>(count, weights, row, v + d, dim, out + d, apart);
  if constexpr (V > 1) {
    add_values_from<M, V / 2>(d, count, weights, row, v, dim, out, apart);
  } else {
    for (; d < dim; d++) {
      for (int m = 0; m < M; m++) {
        float sum = out[m * apart + d];
        for (int64_t s = 0; s < count; s++) sum = __builtin_fmaf(weights[m * row + s], v[s * dim + d], sum);
        out[m * apart + d] = sum;
      }
    }
  }
}

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int sums = 8;  // of 16 registers
#else
constexpr int sums = 16;  // of 32
#endif

/** Heads `h` … of a group of `heads`, or tokens, 4, 2 or 1 at a time: f<M>(h). */
template <typename F>
static inline void each_heads(int64_t heads, F f) {
  int64_t h = 0;
  for (; h + 4 <= heads; h += 4) f(h, std::integral_constant<int, 4>());
  for (; h + 2 <= heads; h += 2) f(h, std::integral_constant<int, 2>());
  for (; h < heads; h++) f(h, std::integral_constant<int, 1>());
}

/** Scores of M queries `stride` apart against a block, in the parts of the depth that every product takes. */
template <int M>
static inline void score_whole_block(const Work& c, const float* q, int64_t stride, const float* block, float* to, int64_t row) {
  for (int64_t p = 0; p < c.dim; p += KC) {
    score_block<M>(q + p, stride, block + p * NR, smaller(KC, c.dim - p), to, row, p > 0);
  }
}

/**
 * Tokens [i, i + count), each of a sequence of its own, groups [g, end): keys and then values in the order in which they lie.
 * Their first blocks, as far as all of them have copies, are read once, in the order of the one that they are copies of.
 */
static void attend_tokens(const Work& c, int64_t i, int64_t count, int64_t g, int64_t end) {
  const int64_t heads = c.per_group(), rows = (end - g) * heads, of_token = c.heads * c.dim;
  int64_t common = count == 1 ? 0 : c.copied(i), most = 0;
  for (int64_t t = i; t < i + count; t++) {
    if (count > 1) common = smaller(common, c.copied(t));
    most = larger(most, c.last(t) / NR + 1 - c.first(t) / NR);
  }
  const int64_t row = most * NR + NR, token = rows * row;
  float* scores = thread_scratch(slot_attention, count * token);
  float* factors = thread_scratch(slot_other, rows + W);
  const float* q = c.q + (i * c.heads + g * heads) * c.dim;
  float* out = c.out + (i * c.heads + g * heads) * c.dim;
  for (int64_t b = 0; b < common; b++) {
    for (int64_t r = 0; r < rows; r++) {
      const float* block = c.keys + c.block(c.twin(i) / NR + b, g + r / heads);
      each_heads(count, [&](int64_t t, auto m) {
        score_whole_block<m>(c, q + t * of_token + r * c.dim, of_token, block, scores + t * token + r * row + b * NR, token);
      });
    }
  }
  for (int64_t t = 0; t < count; t++) {
    const int64_t first = c.first(i + t), last = c.last(i + t), begin = first / NR, stop = last / NR + 1;
    for (int64_t b = begin + common; b < stop; b++) {
      for (int64_t of = 0; of < end - g; of++) {
        const float* block = c.keys + c.block(b, g + of);
        float* to = scores + t * token + of * heads * row + (b - begin) * NR;
        each_heads(heads, [&](int64_t h, auto m) {
          score_whole_block<m>(c, q + t * of_token + (of * heads + h) * c.dim, c.dim, block, to + h * row, row);
        });
      }
    }
  }
  for (int64_t t = 0; t < count; t++) {
    const int64_t base = c.first(i + t) / NR * NR;
    const int32_t range[2] = {static_cast<int32_t>(c.first(i + t) - base), static_cast<int32_t>(c.last(i + t) - base)};
    const Scores all{scores + t * token, row, KC, range, true, 0, range[1] + 1};
    for (int64_t r = 0; r < rows; r += W) {
      vf tops, totals;
      softmax_rows(all, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
      store(factors + r, 1.0f / totals);
    }
    // Each row's own, where a score of a key more has its place.
    for (int64_t r = 0; r < rows; r++) scores[t * token + r * row + row - 1] = factors[r];
    memset(out + t * of_token, 0, static_cast<size_t>(rows * c.dim) * sizeof(float));
  }
  for (int64_t b = 0; b < common; b++) {
    for (int64_t r = 0; r < rows; r++) {
      const float* v = c.values + c.block(c.twin(i) / NR + b, g + r / heads);
      each_heads(count, [&](int64_t t, auto m) {
        add_values_from<m, sums / m>(0, NR, scores + t * token + r * row + b * NR, token, v, c.dim,
                                     out + t * of_token + r * c.dim, of_token);
      });
    }
  }
  for (int64_t t = 0; t < count; t++) {
    const int64_t first = c.first(i + t), last = c.last(i + t), begin = first / NR;
    for (int64_t b = begin + common; b < last / NR + 1; b++) {
      const int64_t s = larger(0, first - b * NR), past = smaller(NR, last + 1 - b * NR);
      for (int64_t of = 0; of < end - g; of++) {
        const float* v = c.values + c.block(b, g + of) + s * c.dim;
        const float* weights = scores + t * token + of * heads * row + (b - begin) * NR + s;
        float* to = out + t * of_token + of * heads * c.dim;
        each_heads(heads, [&](int64_t h, auto m) {
          add_values_from<m, sums / m>(0, past - s, weights + h * row, row, v, c.dim, to + h * c.dim, c.dim);
        });
      }
    }
    for (int64_t r = 0; r < rows; r++) {
      scale_row(out + t * of_token + r * c.dim, scores[t * token + r * row + row - 1], c.dim);
    }
  }
}

}  // namespace cached

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
