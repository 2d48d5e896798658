// Panels of MR queries against the keys that they see: scores, softmax in place, product with the values. The keys and
// values of a head are packed once; no more scores exist than those of one panel.
// Few queries (decoding): keys and values are read once, as they lie.
#include "attention.h"

#include <math.h>

#include "attention-work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

long AttentionWork::start(int thread, int threads) const {
  long total = 0;
  for (long i = 0; i < batch * units; i++) total += cost(i / units, i % units);
  long rest = total * heads * thread / threads;
  for (long b = 0; b < batch; b++) {
    long of_head = 0;
    for (long u = 0; u < units; u++) of_head += cost(b, u);
    if (rest >= of_head * heads) {
      rest -= of_head * heads;
      continue;
    }
    long item = (b * heads + rest / of_head) * units;
    rest %= of_head;
    for (long u = 0; rest > 0; u++, item++) rest -= cost(b, u);
    return item;
  }
  return batch * heads * units;
}

bool holds(const Tensor& tensor, const long (&sizes)[4]) {
  long size = 1;
  for (const long n : sizes) {
    if (n < 0 || __builtin_mul_overflow(size, n, &size)) return false;
  }
  return tensor.size == size;
}

const char* read_attention(const Call& call, int q, long height, AttentionWork& w) {
  REQUIRE(call.number_count == 6, "6 numbers");
  w.batch = call.number(0);
  w.queries = call.number(1);
  w.keys = call.number(2);
  w.heads = call.number(3);
  w.groups = call.number(4);
  w.dim = call.number(5);
  REQUIRE(w.groups > 0 && w.heads > 0 && w.dim > 0 && w.heads % w.groups == 0, "heads shared unevenly");
  REQUIRE(holds(call.tensors[q], {w.batch, w.queries, w.heads, w.dim}), "size of q");
  REQUIRE(holds(call.tensors[q + 1], {w.batch, w.keys, w.groups, w.dim}) &&
              holds(call.tensors[q + 2], {w.batch, w.keys, w.groups, w.dim}),
          "size of k or v");
  REQUIRE(holds(call.tensors[q + 3], {w.batch, w.queries, 2, 1}), "size of ranges");
  w.q = call.floats(q);
  w.k = call.floats(q + 1);
  w.v = call.floats(q + 2);
  w.ranges = call.integers(q + 3);
  w.scale = 1.0f / sqrtf(static_cast<float>(w.dim));
  w.height = height;
  w.units = ceil_div(w.queries, height);
  const long floats = w.batch * w.units * static_cast<long>(sizeof(Keys) / sizeof(float));
  Keys* spans = reinterpret_cast<Keys*>(shared_scratch(slot_spans, floats));
  w.spans = spans;
  for (long b = 0; b < w.batch; b++) {
    const int32_t* ranges = w.range(b, 0);
    for (long t = 0; t < w.queries; t++) {
      REQUIRE(ranges[2 * t] >= 0 && ranges[2 * t] <= ranges[2 * t + 1] && ranges[2 * t + 1] < w.keys,
              "a range of keys is empty or out of bounds");
    }
    for (long u = 0; u < w.units; u++) spans[b * w.units + u] = keys_of(ranges + 2 * u * height, w.rows(u));
  }
  return nullptr;
}

void pack_rows(const float* from, long stride, long rows, long depth, float* to) {
  const long part = ceil_div(rows, MR) * MR * LDA;
  for (long p = 0; p < depth; p += KC, to += part) pack_a({from + p, stride, 1}, rows, smaller(KC, depth - p), to);
}

void pack_columns(const float* from, long stride, long columns, long depth, float* to) {
  for (long p = 0; p < depth; p += KC) {
    pack_b({from + p, 1, stride}, columns, smaller(KC, depth - p), 0, ceil_div(columns, NR), to + p * padded(columns));
  }
}

void panel_products(const float* packed, long all_rows, long row, long rows, const float* columns, long all_columns,
                    long first, long last, long depth, float* to) {
  Out out{to, LDA};
  for (long p = 0; p < depth; p += KC) {
    const long part = smaller(KC, depth - p);
    multiply_strips(Order::by_rows, rows, padded(last + 1 - first), part, packed + row * LDA,
                    columns + p * padded(all_columns) + first * part, NR * part, out);
    packed += ceil_div(all_rows, MR) * MR * LDA;
    out.accumulate = true;
  }
}

namespace {

struct Attention : AttentionWork {
  float *out, *lse;
};

/** Lane i: the largest lane (Largest) or the sum of the lanes of x[i]. */
template <bool Largest>
vf across_lanes(vf (&x)[W]) {
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) {
      vf lo, hi;
      interleave(x[i], x[i + half], lo, hi);
      x[i] = Largest ? larger(lo, hi) : lo + hi;
    }
  }
  return x[0];
}

/** ln x for x ≥ 1: from the exponent and a chord, then twice Halley's step, which triples the digits. */
vf log(vf x) {
  const vi bits = reinterpret_cast<const vi&>(x);
  vf y = (__builtin_convertvector(bits, vf) * 0x1p-23f - 126.943f) * 0.693147181f;
  for (int i = 0; i < 2; i++) {
    const vf e = exp(y);
    y += 2.0f * (x - e) / (x + e);
  }
  return y;
}

/** A panel of scores in blocks of KC keys, `scores_block` apart, beginning with key `start`. */
constexpr long scores_block = MR * LDA;
struct Panel {
  float* scores;
  const int32_t* ranges;
  long start, count;

  /** Calls f(scores, keys that the row sees, width) for each block of a row. */
  template <typename F>
  void each(long row, F f) const {
    for (long p = 0; p < count; p += KC) {
      const long width = smaller(KC, count - p);
      const Keys keys{ranges[2 * row], ranges[2 * row + 1]};
      f(scores + p / KC * scores_block + row * LDA, part_of_row(keys, start + p, width), width);
    }
  }
};

/** Up to W rows of scores → 2^(scale·score − top), zeros where a row does not see. */
void softmax_rows(const Panel& panel, long row, long rows, float scale, vf& tops, vf& totals) {
  vf x[W];
  for (long r = 0; r < rows; r++) {
    vf best = splat(no_score);
    panel.each(row + r, [&](float* scores, Keys keys, long width) {
      clear_rest(scores, keys, width);
      if (keys.first > keys.last) return;
      mask_ends(scores, keys);
      for (long j = keys.first / W * W; j <= keys.last; j += W) best = larger(best, load(scores + j));
    });
    x[r] = best;
  }
  for (long r = rows; r < W; r++) x[r] = vf{};
  tops = across_lanes<true>(x) * scale;
  for (long r = 0; r < rows; r++) {
    const vf top = splat(tops[r]);
    vf total{};
    panel.each(row + r, [&](float* scores, Keys keys, long) {
      for (long j = keys.first / W * W; j <= keys.last; j += W) {
        const vf weight = exp2(load(scores + j) * scale - top);
        store(scores + j, weight);
        total += weight;
      }
    });
    x[r] = total;
  }
  for (long r = rows; r < W; r++) x[r] = splat(1.0f / W);
  totals = across_lanes<false>(x);
}

void scale_row(float* row, float factor, long n) {
  long i = 0;
  for (; i + W <= n; i += W) store(row + i, load(row + i) * factor);
  for (; i < n; i++) row[i] *= factor;
}

/** Items [begin, end) of one group of heads. */
void attention_group(const Attention& c, long b, long g, long begin, long end) {
  const long first_head = begin / c.units % c.heads;
  const bool one_head = (end - 1) / c.units == begin / c.units;
  Keys all = c.span(b, one_head ? begin % c.units : 0);
  long widest = 0;
  for (long u = one_head ? begin % c.units : 0; u < (one_head ? (end - 1) % c.units + 1 : c.units); u++) {
    const Keys& span = c.span(b, u);
    all.first = smaller(all.first, span.first);
    all.last = larger(all.last, span.last);
    widest = larger(widest, span.last - span.first + 1);
  }
  const long base = all.first / NR * NR, keys = all.last + 1 - base;
  const long blocks = ceil_div(widest + NR, KC);
  float* packed_q = thread_scratch(slot_attention, packed_rows(MR, c.dim) + blocks * scores_block +
                                                       padded(keys) * c.dim + keys * padded(c.dim));
  float* scores = packed_q + packed_rows(MR, c.dim);
  float* packed_k = scores + blocks * scores_block;
  float* packed_v = packed_k + padded(keys) * c.dim;
  pack_columns(c.k + c.key(b, base, g), c.key_stride(), keys, c.dim, packed_k);
  pack_b({c.v + c.key(b, base, g), c.key_stride(), 1}, c.dim, keys, 0, ceil_div(c.dim, NR), packed_v);

  for (long item = begin; item < end; item++) {
    const long h = first_head + item / c.units - begin / c.units, u = item % c.units;
    const long t = u * MR, rows = c.rows(u);
    const Keys span = c.span(b, u);
    const long start = span.first / NR * NR, count = span.last + 1 - start;
    pack_rows(c.q + c.query(b, t, h), c.query_stride(), rows, c.dim, packed_q);
    for (long p = 0; p < count; p += KC) {
      const long first = start - base + p, last = first + smaller(KC, count - p) - 1;
      panel_products(packed_q, MR, 0, rows, packed_k, keys, first, last, c.dim, scores + p / KC * scores_block);
    }
    vf factors[ceil_div(MR, W)];
    const Panel panel{scores, c.range(b, t), start, count};
    for (long r = 0; r < rows; r += W) {
      vf tops, totals;
      softmax_rows(panel, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
      factors[r / W] = 1.0f / totals;
      store_some(c.lse + (b * c.heads + h) * c.queries + t + r, tops / log2_e + log(totals), smaller(W, rows - r));
    }
    Out out{c.out + c.query(b, t, h), c.query_stride()};
    const long skip = span.first - start;  // less than NR, so within the first block
    for (long p = 0; p < count; p += KC) {
      const long from = p == 0 ? skip : 0;
      multiply_strips(Order::by_rows, rows, c.dim, smaller(KC, count - p) - from, scores + p / KC * scores_block + from,
                      packed_v + (start - base + p + from) * NR, keys * NR, out);
      out.accumulate = true;
    }
    for (long r = 0; r < rows; r++) scale_row(out.c + r * out.rows, factors[r / W][r % W], c.dim);
  }
}

void many_queries(void* context, int thread) {
  const Attention& c = *static_cast<Attention*>(context);
  const int threads = Pool::instance().threads();
  const long end = c.start(thread + 1, threads);
  const long per_group = c.heads_per_group() * c.units;
  for (long item = c.start(thread, threads); item < end;) {
    const long next = smaller(end, (item / per_group + 1) * per_group);
    attention_group(c, item / per_group / c.groups, item / per_group % c.groups, item, next);
    item = next;
  }
}

/** Scores of W keys from `k` on, of which `count` exist. */
vf dot_products(const float* q, const float* k, long stride, long count, long dim) {
  vf parts[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; i++) {
    const float* row = k + smaller(i, count - 1) * stride;
    vf x{};
    long d = 0;
    for (; d + W <= dim; d += W) x += load(q + d) * load(row + d);
    if (d < dim) x += load_some(q + d, dim - d) * load_some(row + d, dim - d);
    parts[i] = x;
  }
  return across_lanes<false>(parts);
}

/** out += Σ weights[i] · v[i], N rows of values `stride` apart. */
template <int N>
void add_values(const float* weights, const float* v, long stride, long dim, float* out) {
  vf factors[N];
  for (int i = 0; i < N; i++) factors[i] = splat(weights[i]);
  long d = 0;
  for (; d + W <= dim; d += W) {
    vf x = load(out + d);
    for (int i = 0; i < N; i++) x += factors[i] * load(v + i * stride + d);
    store(out + d, x);
  }
  for (; d < dim; d++) {
    for (int i = 0; i < N; i++) out[d] += weights[i] * v[i * stride + d];
  }
}

/** One query, heads [first, last): keys and then values are read in the order of memory, all heads of a row at once. */
void attention_query(const Attention& c, long b, long t, long first, long last) {
  const Keys keys{c.range(b, t)[0], c.range(b, t)[1]};
  const long count = keys.last + 1 - keys.first, stride = c.key_stride(), per_group = c.heads_per_group();
  const long row = ceil_div(count, W) * W;
  float* scores = thread_scratch(slot_attention, (last - first) * row);
  for (long s = 0; s < count; s += W) {
    for (long h = first; h < last; h++) {
      const float* k = c.k + c.key(b, keys.first + s, h / per_group);
      store(scores + (h - first) * row + s,
            dot_products(c.q + c.query(b, t, h), k, stride, smaller(W, count - s), c.dim));
    }
  }
  for (long h = first; h < last; h++) {
    float* weights = scores + (h - first) * row;
    mask_ends(weights, {0, count - 1});
    vf best = splat(no_score), total{};
    for (long s = 0; s < count; s += W) best = larger(best, load(weights + s));
    const float top = largest(best) * c.scale;
    for (long s = 0; s < count; s += W) {
      const vf weight = exp2(load(weights + s) * (c.scale * log2_e) - top * log2_e);
      store(weights + s, weight);
      total += weight;
    }
    const float sum_of_row = sum(total);
    for (long s = 0; s < count; s += W) store(weights + s, load(weights + s) / sum_of_row);
    c.lse[(b * c.heads + h) * c.queries + t] = top + logf(sum_of_row);
    memset(c.out + c.query(b, t, h), 0, c.dim * sizeof(float));
  }
  constexpr int step = 8;
  for (long s = 0; s < count; s += step) {
    for (long h = first; h < last; h++) {
      const float* v = c.v + c.key(b, keys.first + s, h / per_group);
      const float* weights = scores + (h - first) * row + s;
      float* out = c.out + c.query(b, t, h);
      if (count - s >= step) {
        add_values<step>(weights, v, stride, c.dim, out);
      } else {
        for (long i = 0; i < count - s; i++) add_values<1>(weights + i, v + i * stride, stride, c.dim, out);
      }
    }
  }
}

/** Queries of at most this many are taken one by one. */
constexpr long few_queries = 4;

void few_queries_each(void* context, int thread) {
  const Attention& c = *static_cast<Attention*>(context);
  const int threads = Pool::instance().threads();
  const long end = c.start(thread + 1, threads);
  for (long item = c.start(thread, threads); item < end;) {
    const long b = item / c.heads, next = smaller(end, (b + 1) * c.heads);
    for (long t = 0; t < c.queries; t++) attention_query(c, b, t, item - b * c.heads, next - b * c.heads);
    item = next;
  }
}

}  // namespace

// Tensors: q [B, T, H, D], k, v [B, S, G, D], ranges [B, T, 2], out [B, T, H, D], lse [B, H, T].
// Numbers: B, T, S, H, G, D.
const char* attention(const Call& call) {
  REQUIRE(call.tensor_count == 6, "q, k, v, ranges, out, lse");
  Attention context{};
  const bool few = call.number_count == 6 && call.number(1) <= few_queries;
  const char* wrong = read_attention(call, 0, few ? few_queries : MR, context);
  if (wrong) return wrong;
  REQUIRE(call.tensors[4].size == call.tensors[0].size, "size of out");
  REQUIRE(holds(call.tensors[5], {context.batch, context.heads, context.queries, 1}), "size of lse");
  context.out = call.floats(4);
  context.lse = call.floats(5);
  if (context.batch == 0 || context.queries == 0) return nullptr;
  Pool::instance().run(few ? few_queries_each : many_queries, &context);
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
