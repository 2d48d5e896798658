// Panels of MR queries against the keys that they see: scores, softmax in place, product with the values. The keys and
// values of a head are packed once; no more scores exist at a time than those of one panel.
#include "attention.h"

#include "attention-work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

/** ln x for x ≥ 1: from the exponent and a chord, then twice Halley's step, which triples the digits. */
vf natural_log(vf x) {
  const vi bits = reinterpret_cast<const vi&>(x);
  vf y = (__builtin_convertvector(bits, vf) * 0x1p-23f - 126.943f) * 0.693147181f;
  for (int i = 0; i < 2; i++) {
    const vf e = exp(y);
    y += 2.0f * (x - e) / (x + e);
  }
  return y;
}

/** Floats of a block of a panel's scores. */
constexpr int64_t scores_block = MR * LDA;

/** Items [begin, end) of one group of heads. */
void attention_group(const Attention& c, int64_t b, int64_t g, int64_t begin, int64_t end) {
  const int64_t first_head = begin / c.units % c.heads;
  const bool one_head = (end - 1) / c.units == begin / c.units;
  Keys all = c.span(b, one_head ? begin % c.units : 0);
  int64_t widest = 0;
  for (int64_t u = one_head ? begin % c.units : 0; u < (one_head ? (end - 1) % c.units + 1 : c.units); u++) {
    const Keys& span = c.span(b, u);
    all.first = smaller(all.first, span.first);
    all.last = larger(all.last, span.last);
    widest = larger(widest, span.last - span.first + 1);
  }
  const int64_t base = all.first / NR * NR, keys = all.last + 1 - base;
  const int64_t blocks = ceil_div(widest + NR, KC);
  float* packed_q = thread_scratch(slot_attention, packed_queries(MR, c.dim) + blocks * scores_block +
                                                       padded(keys) * c.dim + keys * padded(c.dim));
  float* scores = packed_q + packed_queries(MR, c.dim);
  float* packed_k = scores + blocks * scores_block;
  float* packed_v = packed_k + padded(keys) * c.dim;
  pack_keys(c.k + c.key(b, base, g), c.key_stride(), keys, c.dim, packed_k);
  pack_b({c.v + c.key(b, base, g), c.key_stride(), 1}, c.dim, keys, 0, ceil_div(c.dim, NR), packed_v);

  for (int64_t item = begin; item < end; item++) {
    const int64_t h = first_head + item / c.units - begin / c.units, u = item % c.units;
    const int64_t t = u * MR, rows = c.rows(u);
    const Keys span = c.span(b, u);
    const int64_t start = span.first / NR * NR, count = span.last + 1 - start;
    pack_queries(c.q + c.query(b, t, h), c.query_stride(), rows, c.dim, packed_q);
    for (int64_t p = 0; p < count; p += KC) {
      const int64_t first = start - base + p, last = first + smaller(KC, count - p) - 1;
      panel_products(packed_q, MR, 0, rows, packed_k, keys, first, last, c.dim, scores + p / KC * scores_block);
    }
    vf factors[ceil_div(MR, W)];
    const Scores panel{scores, LDA, scores_block, c.range(b, t), false, start, count};
    for (int64_t r = 0; r < rows; r += W) {
      vf tops, totals;
      softmax_rows(panel, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
      factors[r / W] = 1.0f / totals;
      const vf lse = tops / log2_e + natural_log(totals);
      store_some(c.lse + (b * c.heads + h) * c.queries + t + r, lse, smaller(W, rows - r));
    }
    Out out{c.out + c.query(b, t, h), c.query_stride()};
    const int64_t skip = span.first - start;  // less than NR, so within the first block
    for (int64_t p = 0; p < count; p += KC) {
      const int64_t from = p == 0 ? skip : 0;
      multiply_strips(Order::by_rows, rows, c.dim, smaller(KC, count - p) - from, scores + p / KC * scores_block + from,
                      packed_v + (start - base + p + from) * NR, keys * NR, out);
      out.resume = true;
    }
    for (int64_t r = 0; r < rows; r++) scale_row(out.c + r * out.rows, factors[r / W][r % W], c.dim);
  }
}

void attend(const Attention& c, int64_t part) {
  const int64_t end = c.start(part + 1), per_group = c.heads_per_group() * c.units;
  for (int64_t item = c.start(part); item < end;) {
    const int64_t next = smaller(end, (item / per_group + 1) * per_group);
    attention_group(c, item / per_group / c.groups, item / per_group % c.groups, item, next);
    item = next;
  }
}

}  // namespace

// Tensors: q [B, T, H, D], k, v [B, S, G, D], ranges [B, T, 2], out [B, T, H, D], lse [B, H, T].
// Numbers: B, T, S, H, G, D.
const char* attention(const Call& call) {
  REQUIRE(call.tensor_count == 6, "q, k, v, ranges, out, lse");
  Attention context{};
  const char* wrong = read_attention(call, 0, MR, context);
  if (wrong) return wrong;
  REQUIRE(call.tensors[4].size == call.tensors[0].size, "size of out");
  REQUIRE(call.holds(5, context.batch, context.heads, context.queries), "size of lse");
  context.out = call.floats(4);
  context.lse = call.floats(5);
  if (context.batch == 0 || context.queries == 0) return nullptr;
  const double work = 2.0 * MR * context.total() * context.dim;
  context.cut(work, context.batch * context.heads * context.units);
  in_pieces(context.parts, work, [&](int64_t part, int) { attend(context, part); });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
