#include "attention-work.h"

#include <math.h>

namespace mossctl {
namespace MOSSCTL_ISA {

int64_t AttentionWork::total() const {
  int64_t result = 0;
  for (int64_t i = 0; i < batch * units; i++) result += cost(i / units, i % units);
  return result * heads;
}

void AttentionWork::cut(double all, int64_t most) {
  constexpr double of_part = 1 << 20;
  const int64_t of_groups = batch * groups, wanted = larger(1, smaller(most, static_cast<int64_t>(all / of_part)));
  parts = wanted > of_groups ? ceil_div(wanted, of_groups) * of_groups : ceil_div(of_groups, of_groups / wanted);
}

int64_t AttentionWork::start(int64_t part) const {
  int64_t rest = total() * part / parts;
  for (int64_t b = 0; b < batch; b++) {
    int64_t of_head = 0;
    for (int64_t u = 0; u < units; u++) of_head += cost(b, u);
    if (rest >= of_head * heads) {
      rest -= of_head * heads;
      continue;
    }
    int64_t item = (b * heads + rest / of_head) * units;
    rest %= of_head;
    for (int64_t u = 0; rest > 0; u++, item++) rest -= cost(b, u);
    return item;
  }
  return batch * heads * units;
}

const char* read_attention(const Call& call, int q, int64_t height, AttentionWork& w) {
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
  const int64_t floats = w.batch * w.units * static_cast<int64_t>(sizeof(Keys) / sizeof(float));
  Keys* spans = reinterpret_cast<Keys*>(shared_scratch(slot_spans, floats));
  w.spans = spans;
  for (int64_t b = 0; b < w.batch; b++) {
    const int32_t* ranges = w.range(b, 0);
    for (int64_t t = 0; t < w.queries; t++) {
      REQUIRE(ranges[2 * t] >= 0 && ranges[2 * t] <= ranges[2 * t + 1] && ranges[2 * t + 1] < w.keys,
              "a range of keys is empty or out of bounds");
    }
    for (int64_t u = 0; u < w.units; u++) spans[b * w.units + u] = keys_of(ranges + 2 * u * height, w.rows(u));
  }
  return nullptr;
}

void pack_queries(const float* from, int64_t stride, int64_t rows, int64_t depth, float* to) {
  const int64_t part = ceil_div(rows, MR) * MR * LDA;
  for (int64_t p = 0; p < depth; p += KC, to += part) pack_a({from + p, stride, 1}, rows, smaller(KC, depth - p), to);
}

void pack_keys(const float* from, int64_t stride, int64_t columns, int64_t depth, float* to) {
  for (int64_t p = 0; p < depth; p += KC) {
    pack_b({from + p, 1, stride}, columns, smaller(KC, depth - p), 0, ceil_div(columns, NR), to + p * padded(columns));
  }
}

void panel_products(const float* packed, int64_t all_rows, int64_t row, int64_t rows, const float* columns, int64_t all_columns,
                    int64_t first, int64_t last, int64_t depth, float* to) {
  Out out{to, LDA};
  for (int64_t p = 0; p < depth; p += KC) {
    const int64_t part = smaller(KC, depth - p);
    multiply_strips(Order::by_rows, rows, padded(last + 1 - first), part, packed + row * LDA,
                    columns + p * padded(all_columns) + first * part, NR * part, out);
    packed += ceil_div(all_rows, MR) * MR * LDA;
    out.accumulate = true;
  }
}

/** The lanes of x, beginning with lane `first` and around. */
static vf rotated(vf x, int64_t first) {
  float lanes[2 * W];
  store(lanes, x);
  store(lanes + W, x);
  return load(lanes + first);
}

void softmax_rows(const Scores& panel, int64_t first, int64_t rows, float scale, vf& tops, vf& totals) {
  vf x[W];
  for (int64_t r = 0; r < rows; r++) {
    vf best = splat(no_score);
    panel.each(first + r, [&](float* scores, Keys keys, int64_t width) {
      clear_rest(scores, keys, width);
      if (keys.first > keys.last) return;
      mask_ends(scores, keys);
      for (int64_t j = keys.first / W * W; j <= keys.last; j += W) best = larger(best, load(scores + j));
    });
    x[r] = best;
  }
  for (int64_t r = rows; r < W; r++) x[r] = vf{};
  tops = across_lanes<true>(x) * scale;
  for (int64_t r = 0; r < rows; r++) {
    const vf top = splat(tops[r]);
    vf total{};
    panel.each(first + r, [&](float* scores, Keys keys, int64_t) {
      for (int64_t j = keys.first / W * W; j <= keys.last; j += W) {
        const vf weight = two_to(load(scores + j) * scale - top);
        store(scores + j, weight);
        total += weight;
      }
    });
    static_assert(KC % W == 0, "a lane holds every W-th key across blocks");
    const int64_t turn = panel.keys(first + r).first % W;
    x[r] = turn == 0 ? total : rotated(total, turn);
  }
  for (int64_t r = rows; r < W; r++) x[r] = splat(1.0f / W);
  totals = across_lanes<false>(x);
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
