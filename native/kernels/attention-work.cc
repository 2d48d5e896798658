#include "attention-work.h"

#include <math.h>

namespace mossctl {
namespace MOSSCTL_ISA {

long AttentionWork::total() const {
  long result = 0;
  for (long i = 0; i < batch * units; i++) result += cost(i / units, i % units);
  return result * heads;
}

void AttentionWork::cut(double all, long most) {
  constexpr double of_part = 1 << 20;
  const long of_groups = batch * groups, wanted = larger(1, smaller(most, static_cast<long>(all / of_part)));
  parts = wanted > of_groups ? ceil_div(wanted, of_groups) * of_groups : ceil_div(of_groups, of_groups / wanted);
}

long AttentionWork::start(long part) const {
  long rest = total() * part / parts;
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

const char* read_attention(const Call& call, int q, long height, AttentionWork& w) {
  REQUIRE(call.number_count == 6, "count of numbers");
  w.batch = call.number(0);
  w.queries = call.number(1);
  w.keys = call.number(2);
  w.heads = call.number(3);
  w.groups = call.number(4);
  w.dim = call.number(5);
  REQUIRE(w.groups > 0 && w.heads > 0 && w.dim > 0 && w.heads % w.groups == 0, "heads shared unevenly");
  REQUIRE(call.holds(q, w.batch, w.queries, w.heads, w.dim), "size of q");
  REQUIRE(call.holds(q + 1, w.batch, w.keys, w.groups, w.dim) &&
              call.holds(q + 2, w.batch, w.keys, w.groups, w.dim),
          "size of k or v");
  REQUIRE(call.holds(q + 3, w.batch, w.queries, 2), "size of ranges");
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

void pack_queries(const float* from, long stride, long rows, long depth, float* to) {
  const long part = ceil_div(rows, MR) * MR * LDA;
  for (long p = 0; p < depth; p += KC, to += part) pack_a({from + p, stride, 1}, rows, smaller(KC, depth - p), to);
}

void pack_keys(const float* from, long stride, long columns, long depth, float* to) {
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

/** The lanes of x, beginning with lane `first` and around. */
static vf rotated(vf x, long first) {
  float lanes[2 * W];
  store(lanes, x);
  store(lanes + W, x);
  return load(lanes + first);
}

void softmax_rows(const Scores& panel, long first, long rows, float scale, vf& tops, vf& totals) {
  vf x[W];
  for (long r = 0; r < rows; r++) {
    vf best = splat(no_score);
    panel.each(first + r, [&](float* scores, Keys keys, long width) {
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
    panel.each(first + r, [&](float* scores, Keys keys, long) {
      for (long j = keys.first / W * W; j <= keys.last; j += W) {
        const vf weight = two_to(load(scores + j) * scale - top);
        store(scores + j, weight);
        total += weight;
      }
    });
    static_assert(KC % W == 0, "a lane holds every W-th key across blocks");
    const long turn = panel.keys(first + r).first % W;
    x[r] = turn == 0 ? total : rotated(total, turn);
  }
  for (long r = rows; r < W; r++) x[r] = splat(1.0f / W);
  totals = across_lanes<false>(x);
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
