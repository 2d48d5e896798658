// Attention over a cache, in place. It lies in blocks of NR columns: the keys of a group as the product with queries reads
// them [D, NR], its values as they came [NR, D]. A token that decodes reads all heads' blocks one after the other; the
// tokens of a prompt go in panels. Scores, softmax and sums are those of attention.cc, bit for bit.
#include "attention-cached.h"

#include <math.h>

#include <type_traits>

#include "attention-work.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace cached {

struct Cache {
  long groups, dim, capacity;
  float *keys, *values;

  /** Where the NR columns from NR · block on lie, of keys and of values alike. */
  long block(long block, long g) const { return (block * groups + g) * dim * NR; }
};

struct Work : Cache {
  long n, heads;
  const float *q, *k, *v;
  const int32_t *ranges, *columns;
  float* out;
  float scale;

  long per_group() const { return heads / groups; }
  long first(long i) const { return ranges[2 * i]; }
  long last(long i) const { return ranges[2 * i + 1]; }
};

/** The new keys and values of tokens first … last − 1 go to their columns. */
static void store_columns(const Work& c, long first, long last) {
  for (long i = first; i < last; i++) {
    const long column = c.columns[i];
    if (column == c.capacity) continue;
    for (long g = 0; g < c.groups; g++) {
      const long block = c.block(column / NR, g), from = (i * c.groups + g) * c.dim;
      float* keys = c.keys + block + column % NR;
      for (long d = 0; d < c.dim; d++) keys[d * NR] = c.k[from + d];
      memcpy(c.values + block + column % NR * c.dim, c.v + from, static_cast<size_t>(c.dim) * sizeof(float));
    }
  }
}

/**
 * Asks for what lies this far ahead: a processor's own look-ahead ends with a page of memory, and a token's keys and values
 * are some hundred pages, each read once.
 */
constexpr long ahead = 2048;  // floats
static inline void fetch(const float* p, long floats) {
  for (long i = 0; i < floats; i += 16) __builtin_prefetch(p + ahead + i);
}

/** scores[m] (+)= q[m] · each of the NR keys of a block, M heads, `depth` of their numbers, `stride` apart in q. */
template <int M>
static inline void score_block(const float* q, long stride, const float* keys, long depth, float* scores, long row,
                               bool accumulate) {
  vf acc[M][NV] = {};
  for (long d = 0; d < depth; d++) {
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

/** out[m] += Σ_s weights[m][s] · v[s] in V vectors, M heads, one unbroken sum for each number. */
template <int M, int V>
static inline void add_values(long count, const float* weights, long row, const float* v, long dim, float* out) {
  vf acc[M][V];
  for (int m = 0; m < M; m++) {
    for (int i = 0; i < V; i++) acc[m][i] = load(out + m * dim + i * W);
  }
  for (long s = 0; s < count; s++) {
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
    for (int i = 0; i < V; i++) store(out + m * dim + i * W, acc[m][i]);
  }
}

/** As wide as fits: M · V sums in half of the registers. */
template <int M, int V>
static inline void add_values_from(long d, long count, const float* weights, long row, const float* v, long dim, float* out) {
  for (; d + V * W <= dim; d += V * W) add_values<M, V>(count, weights, row, v + d, dim, out + d);
  if constexpr (V > 1) {
    add_values_from<M, V / 2>(d, count, weights, row, v, dim, out);
  } else {
    for (; d < dim; d++) {
      for (int m = 0; m < M; m++) {
        float sum = out[m * dim + d];
        for (long s = 0; s < count; s++) sum = __builtin_fmaf(weights[m * row + s], v[s * dim + d], sum);
        out[m * dim + d] = sum;
      }
    }
  }
}

#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int sums = 8;  // of 16 registers
#else
constexpr int sums = 16;  // of 32
#endif

/** Heads `h` … of a group of `heads`, 4, 2 or 1 at a time: f<M>(h). */
template <typename F>
static inline void each_heads(long heads, F f) {
  long h = 0;
  for (; h + 4 <= heads; h += 4) f(h, std::integral_constant<int, 4>());
  for (; h + 2 <= heads; h += 2) f(h, std::integral_constant<int, 2>());
  for (; h < heads; h++) f(h, std::integral_constant<int, 1>());
}

/** One token, groups [g, end): keys and then values in the order in which they lie. */
static void attend_token(const Work& c, long i, long g, long end) {
  const long heads = c.per_group(), rows = (end - g) * heads;
  const long begin = c.first(i) / NR, stop = c.last(i) / NR + 1;
  const Keys keys{c.first(i) - begin * NR, c.last(i) - begin * NR};
  const long row = (stop - begin) * NR + NR;
  float* scores = thread_scratch(slot_attention, rows * row);
  const float* q = c.q + (i * c.heads + g * heads) * c.dim;
  float* out = c.out + (i * c.heads + g * heads) * c.dim;
  for (long b = begin; b < stop; b++) {
    for (long of = 0; of < end - g; of++) {
      const float* block = c.keys + c.block(b, g + of);
      float* to = scores + of * heads * row + (b - begin) * NR;
      for (long p = 0; p < c.dim; p += KC) {
        each_heads(heads, [&](long h, auto m) {
          const float* from = q + (of * heads + h) * c.dim + p;
          score_block<m>(from, c.dim, block + p * NR, smaller(KC, c.dim - p), to + h * row, row, p > 0);
        });
      }
    }
  }
  const int32_t range[2] = {static_cast<int32_t>(keys.first), static_cast<int32_t>(keys.last)};
  const Scores all{scores, row, KC, range, true, 0, keys.last + 1};
  float* factors = thread_scratch(slot_other, rows + W);
  for (long r = 0; r < rows; r += W) {
    vf tops, totals;
    softmax_rows(all, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
    store(factors + r, 1.0f / totals);
  }
  memset(out, 0, static_cast<size_t>(rows * c.dim) * sizeof(float));
  for (long b = begin; b < stop; b++) {
    const long s = larger(0, keys.first - (b - begin) * NR), past = smaller(NR, keys.last + 1 - (b - begin) * NR);
    for (long of = 0; of < end - g; of++) {
      const float* v = c.values + c.block(b, g + of) + s * c.dim;
      const float* weights = scores + of * heads * row + (b - begin) * NR + s;
      float* to = out + of * heads * c.dim;
      each_heads(heads, [&](long h, auto m) {
        add_values_from<m, sums / m>(0, past - s, weights + h * row, row, v, c.dim, to + h * c.dim);
      });
    }
  }
  for (long r = 0; r < rows; r++) scale_row(out + r * c.dim, factors[r], c.dim);
}

/** Tokens [i, i + count) that begin with the same key, one group: panels of MR against the blocks that they see. */
static void attend_panels(const Work& c, long i, long count, long g) {
  Keys all{c.first(i), c.last(i)};
  for (long t = 1; t < count; t++) all.last = larger(all.last, c.last(i + t));
  const long begin = all.first / NR, keys = all.last + 1 - begin * NR, strips = ceil_div(c.dim, NR);
  const long blocks = ceil_div(keys + NR, KC), block_of_scores = MR * LDA;
  float* packed_q = thread_scratch(slot_attention, MR * LDA + blocks * block_of_scores + keys * padded(c.dim));
  float* scores = packed_q + MR * LDA;
  float* packed_v = scores + blocks * block_of_scores;
  for (long s = 0; s < keys; s += NR) {
    const float* v = c.values + c.block(begin + s / NR, g);
    for (long j = 0; j < strips; j++) {
      pack_b({v + j * NR, c.dim, 1}, smaller(NR, c.dim - j * NR), smaller(NR, keys - s), 0, 1,
             packed_v + (j * keys + s) * NR);
    }
  }
  for (long h = g * c.per_group(); h < (g + 1) * c.per_group(); h++) {
    for (long t = i; t < i + count; t += MR) {
      const long rows = smaller(MR, i + count - t), stride = c.heads * c.dim;
      long last = 0;
      for (long r = 0; r < rows; r++) last = larger(last, c.last(t + r));
      const long seen = last + 1 - begin * NR, skip = all.first - begin * NR;
      pack_a({c.q + t * stride + h * c.dim, stride, 1}, rows, c.dim, packed_q);
      for (long p = 0; p < seen; p += KC) {
        multiply_strips(Order::by_rows, rows, padded(smaller(KC, seen - p)), c.dim, packed_q,
                        c.keys + c.block(begin + p / NR, g), c.groups * c.dim * NR, {scores + p / KC * block_of_scores, LDA});
      }
      const Scores panel{scores, LDA, block_of_scores, c.ranges + 2 * t, false, begin * NR, seen};
      Out out{c.out + t * stride + h * c.dim, stride};
      vf factors[ceil_div(MR, W)];
      for (long r = 0; r < rows; r += W) {
        vf tops, totals;
        softmax_rows(panel, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
        factors[r / W] = 1.0f / totals;
      }
      for (long p = 0; p < seen; p += KC) {
        const long from = p == 0 ? skip : 0;
        multiply_strips(Order::by_rows, rows, c.dim, smaller(KC, seen - p) - from, scores + p / KC * block_of_scores + from,
                        packed_v + (p + from) * NR, keys * NR, out);
        out.resume = true;
      }
      for (long r = 0; r < rows; r++) scale_row(out.c + r * out.rows, factors[r / W][r % W], c.dim);
    }
  }
}

/** Fewer tokens of one sequence than this go one by one, and all where a head is wider than a panel's row. */
constexpr long few_tokens = 4;
constexpr long most_tokens = 4 * MR;

/** Some neighbouring tokens whose keys begin at the same one. */
struct Unit {
  long begin, count;
};

static long units_of(const Work& c, Unit* units) {
  long count = 0;
  for (long i = 0, next; i < c.n; i = next) {
    for (next = i + 1; next < c.n && next - i < most_tokens && c.first(next) == c.first(i);) next++;
    if (next - i < few_tokens || c.dim > KC) next = i + 1;
    units[count++] = {i, next - i};
  }
  return count;
}

}  // namespace cached

// Tensors: q [N, H, D], k, v [N, G, D], ranges int32 [N, 2], columns int32 [N] (C: nowhere), keys, values (both C · G · D
// numbers, changed in place), out [N, H, D]. Numbers: N, H, G, D, C (a multiple of 64).
const char* cached_attention(const Call& call) {
  using namespace cached;
  REQUIRE(call.tensor_count == 8 && call.number_count == 5, "8 tensors and 5 numbers");
  Work c{};
  c.n = call.number(0);
  c.heads = call.number(1);
  c.groups = call.number(2);
  c.dim = call.number(3);
  c.capacity = call.number(4);
  REQUIRE(c.groups > 0 && c.heads > 0 && c.dim > 0 && c.heads % c.groups == 0, "heads shared unevenly");
  REQUIRE(c.capacity >= 0 && c.capacity % 64 == 0, "columns that are no multiple of 64");
  REQUIRE(call.holds(0, c.n, c.heads, c.dim) && call.holds(7, c.n, c.heads, c.dim), "size of q or out");
  REQUIRE(call.holds(1, c.n, c.groups, c.dim) && call.holds(2, c.n, c.groups, c.dim), "size of k or v");
  REQUIRE(call.holds(3, c.n, 2) && call.holds(4, c.n), "size of ranges or columns");
  REQUIRE(call.holds(5, c.capacity, c.groups, c.dim) && call.holds(6, c.capacity, c.groups, c.dim), "size of the cache");
  c.q = call.floats(0);
  c.k = call.floats(1);
  c.v = call.floats(2);
  c.ranges = call.integers(3);
  c.columns = call.integers(4);
  c.keys = call.floats(5);
  c.values = call.floats(6);
  c.out = call.floats(7);
  c.scale = 1.0f / sqrtf(static_cast<float>(c.dim));
  double work = 0;
  for (long i = 0; i < c.n; i++) {
    REQUIRE(c.columns[i] >= 0 && c.columns[i] <= c.capacity, "a column is not in the cache");
    REQUIRE(c.first(i) >= 0 && c.first(i) <= c.last(i) && c.last(i) < c.capacity, "a range of keys is empty or out of bounds");
    work += 8.0 * (c.last(i) - c.first(i) + 1) * c.heads * c.dim;
  }
  if (c.n == 0) return nullptr;
  constexpr long stored_together = 16;
  in_pieces(ceil_div(c.n, stored_together), 4.0 * c.n * c.groups * c.dim, [&](long piece, int) {
    store_columns(c, piece * stored_together, smaller(c.n, (piece + 1) * stored_together));
  });
  const long floats = c.n * static_cast<long>(sizeof(Unit) / sizeof(float));
  Unit* units = reinterpret_cast<Unit*>(shared_scratch(slot_spans, floats));
  const long count = units_of(c, units);
  // Where there are too few tokens to go round, their groups are shared out.
  const bool together = count >= 4 * Pool::instance().threads();
  const long parts = together && units[0].count == 1 ? 1 : c.groups;
  in_pieces(count * parts, work, [&](long piece, int) {
    const Unit unit = units[piece / parts];
    const long g = piece % parts, end = parts == 1 ? c.groups : g + 1;
    if (unit.count == 1) {
      attend_token(c, unit.begin, g, end);
    } else {
      for (long of = g; of < end; of++) attend_panels(c, unit.begin, unit.count, of);
    }
  });
  return nullptr;
}

// Tensors: keys, values (C · G · D numbers each). Numbers: C, G, D, from, to, count: columns copied in place.
const char* copy_columns(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 6, "2 tensors and 6 numbers");
  cached::Cache c{call.number(1), call.number(2), call.number(0), call.floats(0), call.floats(1)};
  const long from = call.number(3), to = call.number(4), count = call.number(5);
  REQUIRE(c.groups > 0 && c.dim > 0 && c.capacity >= 0 && c.capacity % 64 == 0, "columns that are no multiple of 64");
  REQUIRE(call.holds(0, c.capacity, c.groups, c.dim) && call.holds(1, c.capacity, c.groups, c.dim), "size of the cache");
  REQUIRE(from >= 0 && to >= 0 && count >= 0 && count <= c.capacity && from <= c.capacity - count && to <= c.capacity - count,
          "columns that are not in the cache");
  for (long i = 0; i < count; i++) {
    for (long g = 0; g < c.groups; g++) {
      const long source = c.block((from + i) / NR, g), target = c.block((to + i) / NR, g);
      for (long d = 0; d < c.dim; d++) {
        c.keys[target + d * NR + (to + i) % NR] = c.keys[source + d * NR + (from + i) % NR];
        c.values[target + (to + i) % NR * c.dim + d] = c.values[source + (from + i) % NR * c.dim + d];
      }
    }
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
