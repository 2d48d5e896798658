// The backward pass builds the probabilities again, from the scores and the forward pass's logsumexp: a block of
// queries against a block of keys at a time, P and dS [queries, keys] (row stride LDA) in cache. They are operands as
// they lie: dQ = dS·K reads them by rows, dV = Pᵀ·dY and dK = dSᵀ·Q across.
#include "attention.h"
#include "attention-work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

constexpr int64_t query_panels = 98 / MR;
constexpr int64_t query_block = query_panels * MR;
constexpr int64_t key_block = KC;

struct AttentionGrad : AttentionWork {
  const float *dy, *out, *lse;
  float *dq, *dk, *dv;
  float* partial;  // per part but the first: dk and dv [2, keys, dim] of a group that an earlier part started

  int64_t per_group() const { return heads_per_group() * units; }
  /** The group (of all sequences' groups) that a part goes on with, or −1. */
  int64_t continued(int64_t part) const {
    const int64_t begin = start(part);
    const bool goes_on = begin % per_group() != 0 && begin < start(part + 1);
    return goes_on ? begin / per_group() : -1;
  }
  float* partial_of(int64_t part) const { return partial + (part - 1) * 2 * keys * dim; }
};

/** What a part keeps for one group of heads: packed keys and values, and where their gradients go. */
struct GroupGrad {
  int64_t b, g, base, keys;  // the packed keys are base … base + keys − 1
  const float *packed_k, *packed_v;  // for products with queries
  const float* k_by_depth;           // for products with scores
  float *dk, *dv;                    // of key 0
  int64_t stride;
  float* fresh;  // for each MR keys from `base` on: 1 as long as their gradients hold nothing yet

  void clear(float* gradients, int64_t first, int64_t last, int64_t dim) const {
    for (int64_t s = first; s < last; s++) memset(gradients + s * stride, 0, dim * sizeof(float));
  }
};

/** A block of queries of one head, packed. */
struct QueryBlock {
  int64_t h, t, rows;
  const float *q, *dy;                    // by rows
  const float *q_by_depth, *dy_by_depth;  // as B
  const float *delta, *lse;
  float *p, *ds;  // scores
};

float dot_product(const float* a, const float* b, int64_t n) {
  vf x{};
  int64_t i = 0;
  for (; i + W <= n; i += W) x += load(a + i) * load(b + i);
  float result = sum(x);
  for (; i < n; i++) result += a[i] * b[i];
  return result;
}

/** Scores → P and dP → dS of one row; 0 outside its keys. */
void row_grad(float* p, float* ds, Keys keys, int64_t count, float scale, float lse, float delta) {
  clear_rest(p, keys, count);
  clear_rest(ds, keys, count);
  if (keys.first > keys.last) return;
  mask_ends(p, keys);
  for (int64_t j = keys.first / W * W; j <= keys.last; j += W) {
    const vf weight = two_to(load(p + j) * (scale * log2_e) - lse * log2_e);
    store(p + j, weight);
    store(ds + j, weight * (load(ds + j) - delta) * scale);
  }
}

/** A block of queries against `count` keys from `start` on (counted from the group's base; a multiple of NR). */
void block_grad(const AttentionGrad& c, const GroupGrad& group, const QueryBlock& block, int64_t start, int64_t count) {
  Keys seen[query_panels];  // by each panel, within the block
  for (int64_t i = 0, r = 0; r < block.rows; i++, r += MR) {
    const int64_t rows = smaller(MR, block.rows - r);
    const Keys all = keys_of(c.range(group.b, block.t + r), rows);
    seen[i] = part_of_row(all, group.base + start, count);
    if (seen[i].first <= seen[i].last) {
      const int64_t skip = seen[i].first / NR * NR, first = start + skip, last = start + seen[i].last;
      float *p = block.p + r * LDA + skip, *ds = block.ds + r * LDA + skip;
      panel_products(block.q, block.rows, r, rows, group.packed_k, group.keys, first, last, c.dim, p);
      panel_products(block.dy, block.rows, r, rows, group.packed_v, group.keys, first, last, c.dim, ds);
    }
    for (int64_t row = r; row < r + rows; row++) {
      const int32_t* range = c.range(group.b, block.t + row);
      const Keys part = part_of_row({range[0], range[1]}, group.base + start, count);
      row_grad(block.p + row * LDA, block.ds + row * LDA, part, count, c.scale, block.lse[row], block.delta[row]);
    }
    if (seen[i].first <= seen[i].last) {
      Out dq{c.dq + c.query(group.b, block.t + r, block.h), c.query_stride()};
      dq.accumulate = all.first < group.base + start;  // an earlier block of keys was seen
      multiply_strips(Order::by_rows, rows, c.dim, seen[i].last + 1 - seen[i].first,
                      block.ds + r * LDA + seen[i].first, group.k_by_depth + (start + seen[i].first) * NR,
                      group.keys * NR, dq);
    }
  }
  // A panel of keys takes the queries from the first to the last panel that see some of them.
  const int64_t panels = ceil_div(block.rows, MR);
  for (int64_t s = start, next; s < start + count; s = next) {
    const int64_t panel = s / MR;
    next = smaller((panel + 1) * MR, start + count);
    int64_t first = panels, last = -1;
    for (int64_t i = 0; i < panels; i++) {
      if (start + seen[i].first >= next || start + seen[i].last < s || seen[i].first > seen[i].last) continue;
      first = smaller(first, i);
      last = i;
    }
    if (last < 0) continue;
    const int64_t row = first * MR, depth = smaller(block.rows, (last + 1) * MR) - row;
    const int64_t key = group.base + s, begin = group.base + panel * MR;
    const bool fresh = group.fresh[panel] != 0, whole = next - s == MR;
    group.fresh[panel] = 0;
    if (fresh && !whole) {
      const int64_t end = smaller(begin + MR, c.keys);
      group.clear(group.dk, begin, end, c.dim);
      group.clear(group.dv, begin, end, c.dim);
    }
    Out dv{group.dv + key * group.stride, group.stride}, dk{group.dk + key * group.stride, group.stride};
    dv.accumulate = dk.accumulate = !fresh || !whole;
    const int64_t from = row * LDA + s - start, b_strip = block.rows * NR;
    multiply_strips(Order::across, next - s, c.dim, depth, block.p + from, block.dy_by_depth + row * NR, b_strip, dv);
    multiply_strips(Order::across, next - s, c.dim, depth, block.ds + from, block.q_by_depth + row * NR, b_strip, dk);
  }
}

/** Items [begin, end) of one group of heads. */
void group_grad(const AttentionGrad& c, GroupGrad group, int64_t begin, int64_t end) {
  const int64_t b = group.b, g = group.g;
  Keys all = c.span(b, 0);
  for (int64_t u = 1; u < c.units; u++) {
    all.first = smaller(all.first, c.span(b, u).first);
    all.last = larger(all.last, c.span(b, u).last);
  }
  group.base = all.first / NR * NR;
  group.keys = all.last + 1 - group.base;
  const int64_t by_column = padded(group.keys) * c.dim, by_depth = group.keys * padded(c.dim);
  const int64_t rows = packed_queries(query_block, c.dim), deep = query_block * padded(c.dim), scores = query_block * LDA;
  constexpr int64_t numbers = (query_block + W - 1) / W * W;
  const int64_t panels = ceil_div(group.keys, MR);
  float* scratch =
      thread_scratch(slot_attention, 2 * by_column + by_depth + 2 * (rows + deep + scores + numbers) + panels);
  const auto take = [&scratch](int64_t floats) {
    float* result = scratch;
    scratch += floats;
    return result;
  };
  float *packed_k = take(by_column), *packed_v = take(by_column), *k_by_depth = take(by_depth);
  float *q = take(rows), *dy = take(rows), *q_by_depth = take(deep), *dy_by_depth = take(deep);
  float *p = take(scores), *ds = take(scores), *delta = take(numbers), *lse = take(numbers);
  group.fresh = take(panels);
  for (int64_t i = 0; i < panels; i++) group.fresh[i] = 1;
  const float* k = c.k + c.key(b, group.base, g);
  pack_keys(k, c.key_stride(), group.keys, c.dim, packed_k);
  pack_keys(c.v + c.key(b, group.base, g), c.key_stride(), group.keys, c.dim, packed_v);
  const int64_t strips = ceil_div(c.dim, NR);
  pack_b({k, c.key_stride(), 1}, c.dim, group.keys, 0, strips, k_by_depth);
  group.packed_k = packed_k;
  group.packed_v = packed_v;
  group.k_by_depth = k_by_depth;
  for (int64_t item = begin; item < end; item++) {
    const int64_t h = item / c.units % c.heads, u = item % c.units, t = u * query_block, count = c.rows(u);
    const int64_t offset = c.query(b, t, h), stride = c.query_stride();
    pack_queries(c.q + offset, stride, count, c.dim, q);
    pack_queries(c.dy + offset, stride, count, c.dim, dy);
    pack_b({c.q + offset, stride, 1}, c.dim, count, 0, strips, q_by_depth);
    pack_b({c.dy + offset, stride, 1}, c.dim, count, 0, strips, dy_by_depth);
    for (int64_t r = 0; r < count; r++) {
      delta[r] = dot_product(c.dy + offset + r * stride, c.out + offset + r * stride, c.dim);
      lse[r] = c.lse[(b * c.heads + h) * c.queries + t + r];
    }
    const QueryBlock block{h, t, count, q, dy, q_by_depth, dy_by_depth, delta, lse, p, ds};
    const Keys span{c.span(b, u).first - group.base, c.span(b, u).last - group.base};
    for (int64_t s = span.first / NR * NR; s <= span.last; s += key_block) {
      block_grad(c, group, block, s, smaller(key_block, span.last + 1 - s));
    }
  }
  const auto clear = [&](int64_t first, int64_t last) {
    group.clear(group.dk, first, last, c.dim);
    group.clear(group.dv, first, last, c.dim);
  };
  clear(0, group.base);
  for (int64_t i = 0; i < panels; i++) {
    if (group.fresh[i] != 0) clear(group.base + i * MR, smaller(group.base + (i + 1) * MR, c.keys));
  }
  clear(smaller(group.base + panels * MR, c.keys), c.keys);
}

/** Adds to dk and dv of some keys what later parts found of a group, in the order of parts. */
void add_partials(const AttentionGrad& c, Range some) {
  for (int64_t part = 1; part < c.parts; part++) {
    const int64_t group = c.continued(part);
    if (group < 0) continue;
    const float* from = c.partial_of(part);
    for (int64_t s = some.begin; s < some.end; s++) {
      const int64_t to = c.key(group / c.groups, s, group % c.groups);
      for (int64_t d = 0; d < c.dim; d++) c.dk[to + d] += from[s * c.dim + d];
      for (int64_t d = 0; d < c.dim; d++) c.dv[to + d] += from[(c.keys + s) * c.dim + d];
    }
  }
}

void part_grad(const AttentionGrad& c, int64_t part) {
  const int64_t begin = c.start(part), end = c.start(part + 1);
  for (int64_t item = begin; item < end;) {
    const int64_t group = item / c.per_group(), next = smaller(end, (group + 1) * c.per_group());
    GroupGrad to{};
    to.b = group / c.groups;
    to.g = group % c.groups;
    if (item % c.per_group() == 0) {
      to.stride = c.key_stride();
      to.dk = c.dk + c.key(to.b, 0, to.g);
      to.dv = c.dv + c.key(to.b, 0, to.g);
    } else {
      to.stride = c.dim;
      to.dk = c.partial_of(part);
      to.dv = to.dk + c.keys * c.dim;
    }
    group_grad(c, to, item, next);
    item = next;
  }
}

}  // namespace

// Tensors: dy, q [B, T, H, D], k, v [B, S, G, D], ranges [B, T, 2], out [B, T, H, D], lse [B, H, T], dq, dk, dv.
// Numbers: B, T, S, H, G, D.
const char* attention_grad(const Call& call) {
  REQUIRE(call.tensor_count == 10, "dy, q, k, v, ranges, out, lse, dq, dk, dv");
  AttentionGrad context{};
  const char* wrong = read_attention(call, 1, query_block, context);
  if (wrong) return wrong;
  const Tensor* tensors = call.tensors;
  for (const int i : {0, 5, 7}) REQUIRE(tensors[i].size == tensors[1].size, "size of dy, out or dq");
  REQUIRE(call.holds(6, context.batch, context.heads, context.queries), "size of lse");
  REQUIRE(tensors[8].size == tensors[2].size && tensors[9].size == tensors[2].size, "size of dk or dv");
  context.dy = call.floats(0);
  context.out = call.floats(5);
  context.lse = call.floats(6);
  context.dq = call.floats(7);
  context.dk = call.floats(8);
  context.dv = call.floats(9);
  if (context.batch == 0 || context.queries == 0) {
    memset(context.dk, 0, tensors[8].size * sizeof(float));
    memset(context.dv, 0, tensors[9].size * sizeof(float));
    return nullptr;
  }
  const double work = 5.0 * query_block * context.total() * context.dim;
  // A group that is split is added up in the end: no more of that than keeps all threads at work.
  const int64_t threads = Pool::instance().threads();
  context.cut(work, threads == 1 ? 1 : larger(4 * threads, context.batch * context.groups));
  int64_t split = 0;
  for (int64_t part = 1; part < context.parts; part++) split += context.continued(part) >= 0;
  const int64_t numbers = 2 * context.keys * context.dim;
  if (split > 0) context.partial = shared_scratch(slot_partial, (context.parts - 1) * numbers);
  in_pieces(context.parts, work, [&](int64_t part, int) { part_grad(context, part); });
  if (split == 0) return nullptr;
  split_over(split * numbers, context.keys, 1, [&](Range some, int) { add_partials(context, some); });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
