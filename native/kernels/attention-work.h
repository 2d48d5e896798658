// What attention's passes share: sizes, the keys that rows of queries need, the division among threads, and scores of a
// panel of queries. Only the keys between the first and the last that a panel of MR queries may see are computed.
#pragma once

#include "../call.h"
#include "gemm.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

/** Keys first … last, both inclusive. */
struct Keys {
  int64_t first, last;
};

/** All keys that some of the rows see. */
static inline Keys keys_of(const int32_t* ranges, int64_t rows) {
  Keys result{ranges[0], ranges[1]};
  for (int64_t i = 1; i < rows; i++) {
    result.first = smaller(result.first, ranges[2 * i]);
    result.last = larger(result.last, ranges[2 * i + 1]);
  }
  return result;
}

/** Sizes of q [batch, queries, heads, dim], k and v [batch, keys, groups, dim]; the queries cut into units of rows. */
struct AttentionWork {
  int64_t batch, queries, keys, heads, groups, dim;
  const float *q, *k, *v;
  const int32_t* ranges;  // [batch, queries, 2]
  float scale;
  int64_t parts;             // that the work is cut into
  int64_t height, units;     // rows of a unit, units of a sequence
  const Keys* spans;      // [batch, units]

  int64_t heads_per_group() const { return heads / groups; }
  int64_t rows(int64_t unit) const { return smaller(height, queries - unit * height); }
  const Keys& span(int64_t b, int64_t unit) const { return spans[b * units + unit]; }
  const int32_t* range(int64_t b, int64_t t) const { return ranges + 2 * (b * queries + t); }
  /** Offset of a query's row of dim numbers, and of a key's. */
  int64_t query(int64_t b, int64_t t, int64_t h) const { return ((b * queries + t) * heads + h) * dim; }
  int64_t key(int64_t b, int64_t s, int64_t g) const { return ((b * keys + s) * groups + g) * dim; }
  int64_t query_stride() const { return heads * dim; }
  int64_t key_stride() const { return groups * dim; }
  /** Time that a unit takes, in keys. */
  int64_t cost(int64_t b, int64_t unit) const { return span(b, unit).last - span(b, unit).first + 1 + 16; }

  int64_t total() const;
  /** Parts of some `multiply_adds` each, `all` of them together, which end where groups of heads do if these are alike. */
  void cut(double all, int64_t most);
  /** The item (batch, head, unit), counted in this order, with which a part begins: it ends where the next one begins. */
  int64_t start(int64_t part) const;
};

struct Attention : AttentionWork {
  float *out, *lse;
};
/** Reads sizes and ranges from a call and cuts the queries into units; says what is wrong with them. */
const char* read_attention(const Call& call, int q, int64_t height, AttentionWork& work);

/** Columns of a packed B. */
static inline int64_t padded(int64_t columns) { return ceil_div(columns, NR) * NR; }

/** `rows` rows of a matrix [rows, depth], in parts of KC columns, each packed as A. */
void pack_queries(const float* from, int64_t stride, int64_t rows, int64_t depth, float* to);
static inline int64_t packed_queries(int64_t rows, int64_t depth) {
  return ceil_div(depth, KC) * ceil_div(rows, MR) * MR * LDA;
}
/** The transpose of a matrix [columns, depth], in parts of KC deep, each packed as B. */
void pack_keys(const float* from, int64_t stride, int64_t columns, int64_t depth, float* to);

/**
 * The products of a panel of packed rows (≤ MR, from row `row` of `all_rows`) with the packed columns first … last of
 * `all_columns`; `first` is a multiple of NR, and whole vectors NR wide are written, LDA apart, from `to` on.
 */
void panel_products(const float* packed, int64_t all_rows, int64_t row, int64_t rows, const float* columns, int64_t all_columns,
                    int64_t first, int64_t last, int64_t depth, float* to);

/** Those of the keys that are in a row of scores of keys begin … begin + count − 1; none: first > last. */
static inline Keys part_of_row(Keys keys, int64_t begin, int64_t count) {
  return {larger(keys.first - begin, 0), smaller(keys.last - begin, count - 1)};
}

/** A score that no other can be less than; 2 to its power is exactly 0. */
constexpr float no_score = -3e38f;
constexpr float log2_e = 1.44269504088896341f;

/** 2^x for x ≤ 0 and a little above, to 1e-7; 0 below −126. Scores are taken in base 2, which is less work than e^x. */
static inline vf two_to(vf x) {
  const vf shifter = splat(12582912.0f);  // 1.5·2^23: adding it rounds to an integer held in the low bits
  const vf shifted = x + shifter;
  const vf r = x - (shifted - shifter);
  vf p = r * 1.32647270e-3f + 9.67151265e-3f;
  p = p * r + 5.55073374e-2f;
  p = p * r + 2.40222421e-1f;
  p = p * r + 6.93146978e-1f;
  p = p * r + 1.0f;
  typedef uint32_t vu __attribute__((vector_size(W * 4), may_alias));  // may overflow where the result is 0
  const vu bits = reinterpret_cast<const vu&>(p) + (reinterpret_cast<const vu&>(shifted) << 23);
  return x < splat(-126.0f) ? vf{} : reinterpret_cast<const vf&>(bits);
}

/** Puts no_score into the places outside `keys` of the two vectors at its ends. */
static inline void mask_ends(float* row, Keys keys) {
  vi lane;
  for (int i = 0; i < W; i++) lane[i] = i;
  const int64_t begin = keys.first / W * W, end = keys.last / W * W;
  if (begin != keys.first) {
    store(row + begin, lane < static_cast<int32_t>(keys.first - begin) ? splat(no_score) : load(row + begin));
  }
  if (end + W - 1 != keys.last) {
    store(row + end, lane > static_cast<int32_t>(keys.last - end) ? splat(no_score) : load(row + end));
  }
}

/** Zeros in the vectors of a row [0, count) that hold none of `keys`. */
static inline void clear_rest(float* row, Keys keys, int64_t count) {
  const int64_t begin = keys.first > keys.last ? count : keys.first / W * W;
  for (int64_t j = 0; j < begin; j += W) store(row + j, vf{});
  for (int64_t j = larger(begin, keys.last / W * W + W); j < count; j += W) store(row + j, vf{});
}

/** Lane i: the largest lane (Largest) or the sum of the lanes of x[i]. */
template <bool Largest>
static inline vf across_lanes(vf (&x)[W]) {
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) {
      vf lo, hi;
      interleave(x[i], x[i + half], lo, hi);
      x[i] = Largest ? larger(lo, hi) : lo + hi;
    }
  }
  return x[0];
}

/**
 * Scores of some queries in blocks of KC keys, each `block` floats after the one before and its rows `row` apart; the first
 * is that of key `start`. A block's last row needs room for a vector more.
 */
struct Scores {
  float* scores;
  int64_t row, block;
  const int32_t* ranges;  // of each query: keys, or of all where there is one query with many heads
  bool one_range;
  int64_t start, count;

  /** Keys that query r sees, counted from `start`. */
  Keys keys(int64_t r) const {
    const int32_t* range = ranges + (one_range ? 0 : 2 * r);
    return {range[0] - start, range[1] - start};
  }
  /** Calls f(scores, keys that the row sees, width) for each block of a row. */
  template <typename F>
  void each(int64_t r, F f) const {
    for (int64_t p = 0; p < count; p += KC) {
      const int64_t width = smaller(KC, count - p);
      f(scores + p / KC * block + r * row, part_of_row(keys(r), p, width), width);
    }
  }
};

/**
 * Up to W rows of scores → 2^(scale·score − top), zeros where a row does not see. Lane i of `tops` and `totals`: the
 * largest score of row i, scaled, and the sum of what it became. The sum is that of W sums, of every W-th key from the
 * row's first one on: it depends on what the row sees, not on where that lies.
 */
void softmax_rows(const Scores& scores, int64_t first, int64_t rows, float scale, vf& tops, vf& totals);

/** A row times a factor. */
static inline void scale_row(float* row, float factor, int64_t n) {
  int64_t i = 0;
  for (; i + W <= n; i += W) store(row + i, load(row + i) * factor);
  for (; i < n; i++) row[i] *= factor;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
