// Attention of few queries (decoding): keys and values are read once, as they lie in memory, all heads side by side.
#include <math.h>

#include "attention-work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

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
      const vf weight = two_to(load(weights + s) * (c.scale * log2_e) - top * log2_e);
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

}  // namespace

void attend_few(const Attention& c, long part) {
  const long end = c.start(part + 1);
  for (long item = c.start(part); item < end;) {
    const long b = item / c.heads, next = smaller(end, (b + 1) * c.heads);
    for (long t = 0; t < c.queries; t++) attention_query(c, b, t, item - b * c.heads, next - b * c.heads);
    item = next;
  }
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
