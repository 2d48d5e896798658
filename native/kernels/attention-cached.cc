// Attention over a cache, in place (cached-tokens.h says how it lies): tokens that decode one by one, or those together that have
// copies of one beginning; the tokens of a prompt in panels. Scores, softmax and sums are those of attention.cc, bit for bit.
#include "attention-cached.h"

#include <math.h>

#include "attention-work.h"
#include "cached-tokens.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace cached {

/** The new keys and values of tokens first … last − 1 go to their columns. */
static void store_columns(const Work& c, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; i++) {
    const int64_t column = c.columns[i];
    if (column == c.capacity) continue;
    for (int64_t g = 0; g < c.groups; g++) {
      const int64_t block = c.block(column / NR, g), from = (i * c.groups + g) * c.dim;
      float* keys = c.keys + block + column % NR;
      for (int64_t d = 0; d < c.dim; d++) keys[d * NR] = c.k[from + d];
      memcpy(c.values + block + column % NR * c.dim, c.v + from, static_cast<size_t>(c.dim) * sizeof(float));
    }
  }
}

/** Tokens [i, i + count) that begin with the same key, one group: panels of MR against the blocks that they see. */
static void attend_panels(const Work& c, int64_t i, int64_t count, int64_t g) {
  Keys all{c.first(i), c.last(i)};
  for (int64_t t = 1; t < count; t++) all.last = larger(all.last, c.last(i + t));
  const int64_t begin = all.first / NR, keys = all.last + 1 - begin * NR, strips = ceil_div(c.dim, NR);
  const int64_t blocks = ceil_div(keys + NR, KC), block_of_scores = MR * LDA;
  float* packed_q = thread_scratch(slot_attention, MR * LDA + blocks * block_of_scores + keys * padded(c.dim));
  float* scores = packed_q + MR * LDA;
  float* packed_v = scores + blocks * block_of_scores;
  for (int64_t s = 0; s < keys; s += NR) {
    const float* v = c.values + c.block(begin + s / NR, g);
    for (int64_t j = 0; j < strips; j++) {
      pack_b({v + j * NR, c.dim, 1}, smaller(NR, c.dim - j * NR), smaller(NR, keys - s), 0, 1,
             packed_v + (j * keys + s) * NR);
    }
  }
  for (int64_t h = g * c.per_group(); h < (g + 1) * c.per_group(); h++) {
    for (int64_t t = i; t < i + count; t += MR) {
      const int64_t rows = smaller(MR, i + count - t), stride = c.heads * c.dim;
      int64_t last = 0;
      for (int64_t r = 0; r < rows; r++) last = larger(last, c.last(t + r));
      const int64_t seen = last + 1 - begin * NR, skip = all.first - begin * NR;
      pack_a({c.q + t * stride + h * c.dim, stride, 1}, rows, c.dim, packed_q);
      for (int64_t p = 0; p < seen; p += KC) {
        multiply_strips(Order::by_rows, rows, padded(smaller(KC, seen - p)), c.dim, packed_q,
                        c.keys + c.block(begin + p / NR, g), c.groups * c.dim * NR, {scores + p / KC * block_of_scores, LDA});
      }
      const Scores panel{scores, LDA, block_of_scores, c.ranges + 2 * t, false, begin * NR, seen};
      Out out{c.out + t * stride + h * c.dim, stride};
      vf factors[ceil_div(MR, W)];
      for (int64_t r = 0; r < rows; r += W) {
        vf tops, totals;
        softmax_rows(panel, r, smaller(W, rows - r), c.scale * log2_e, tops, totals);
        factors[r / W] = 1.0f / totals;
      }
      for (int64_t p = 0; p < seen; p += KC) {
        const int64_t from = p == 0 ? skip : 0;
        multiply_strips(Order::by_rows, rows, c.dim, smaller(KC, seen - p) - from, scores + p / KC * block_of_scores + from,
                        packed_v + (p + from) * NR, keys * NR, out);
        out.resume = true;
      }
      for (int64_t r = 0; r < rows; r++) scale_row(out.c + r * out.rows, factors[r / W][r % W], c.dim);
    }
  }
}

/** Fewer tokens of one sequence than this go one by one, and all where a head is wider than a panel's row. */
constexpr int64_t few_tokens = 4;
constexpr int64_t most_tokens = 4 * MR;

/** Tokens of as many sequences that are taken together. */
constexpr int64_t most_twins = 8;

/** Some neighbouring tokens whose keys begin at the same one, or with copies of the same ones. */
struct Unit {
  int64_t begin, count;
};

static bool is_one_sequence(const Work& c, Unit unit) {
  return unit.count > 1 && c.first(unit.begin) == c.first(unit.begin + 1);
}

static int64_t units_of(const Work& c, Unit* units) {
  int64_t count = 0;
  for (int64_t i = 0, next; i < c.n; i = next) {
    for (next = i + 1; next < c.n && next - i < most_tokens && c.first(next) == c.first(i);) next++;
    if (next - i < few_tokens || c.dim > KC) next = i + 1;
    if (next == i + 1 && c.copied(i) > 0) {
      const auto follows = [&](int64_t at) {
        return c.first(at) != c.first(at - 1) && c.copied(at) > 0 && c.twin(at) == c.twin(i);
      };
      while (next < c.n && next - i < most_twins && follows(next)) next++;
    }
    units[count++] = {i, next - i};
  }
  return count;
}

}  // namespace cached

// Tensors: q [N, H, D], k, v [N, G, D], ranges int32 [N, 2], columns int32 [N] (C: nowhere), keys, values (both C · G · D
// numbers, changed in place), (twins int32 [N, 2]: a column from which on there are the same keys and values as the token's
// own first ones, and how many), out [N, H, D]. Numbers: N, H, G, D, C (a multiple of 64).
const char* cached_attention(const Call& call) {
  using namespace cached;
  REQUIRE((call.tensor_count == 8 || call.tensor_count == 9) && call.number_count == 5, "8 or 9 tensors and 5 numbers");
  const int out = call.tensor_count - 1;
  Work c{};
  c.n = call.number(0);
  c.heads = call.number(1);
  c.groups = call.number(2);
  c.dim = call.number(3);
  c.capacity = call.number(4);
  REQUIRE(c.groups > 0 && c.heads > 0 && c.dim > 0 && c.heads % c.groups == 0, "heads shared unevenly");
  REQUIRE(c.capacity >= 0 && c.capacity % 64 == 0, "columns that are no multiple of 64");
  REQUIRE(call.holds(0, c.n, c.heads, c.dim) && call.holds(out, c.n, c.heads, c.dim), "size of q or out");
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
  REQUIRE(out == 7 || call.holds(7, c.n, 2), "size of twins");
  if (out == 8) c.twins = call.integers(7);
  c.out = call.floats(out);
  c.scale = 1.0f / sqrtf(static_cast<float>(c.dim));
  double work = 0;
  for (int64_t i = 0; i < c.n; i++) {
    REQUIRE(c.columns[i] >= 0 && c.columns[i] <= c.capacity, "a column is not in the cache");
    REQUIRE(c.first(i) >= 0 && c.first(i) <= c.last(i) && c.last(i) < c.capacity, "a range of keys is empty or out of bounds");
    REQUIRE(!c.twins || (c.twin(i) >= 0 && c.twins[2 * i + 1] >= 0 && c.twin(i) <= c.capacity - c.twins[2 * i + 1]),
            "copied columns that are not in the cache");
    work += 8.0 * (c.last(i) - c.first(i) + 1) * c.heads * c.dim;
  }
  if (c.n == 0) return nullptr;
  constexpr int64_t stored_together = 16;
  in_pieces(ceil_div(c.n, stored_together), 4.0 * c.n * c.groups * c.dim, [&](int64_t piece, int) {
    store_columns(c, piece * stored_together, smaller(c.n, (piece + 1) * stored_together));
  });
  const int64_t floats = c.n * static_cast<int64_t>(sizeof(Unit) / sizeof(float));
  Unit* units = reinterpret_cast<Unit*>(shared_scratch(slot_spans, floats));
  const int64_t count = units_of(c, units);
  // Where there are too few tokens to go round, their groups are shared out.
  const bool together = count >= 4 * Pool::instance().threads();
  const int64_t parts = together && !is_one_sequence(c, units[0]) ? 1 : c.groups;
  in_pieces(count * parts, work, [&](int64_t piece, int) {
    const Unit unit = units[piece / parts];
    const int64_t g = piece % parts, end = parts == 1 ? c.groups : g + 1;
    if (!is_one_sequence(c, unit)) {
      attend_tokens(c, unit.begin, unit.count, g, end);
    } else {
      for (int64_t of = g; of < end; of++) attend_panels(c, unit.begin, unit.count, of);
    }
  });
  return nullptr;
}

// Tensors: keys, values (C · G · D numbers each). Numbers: C, G, D, from, count, to …: columns copied in place, to each of these.
const char* copy_columns(const Call& call) {
  constexpr int first = 5;
  REQUIRE(call.tensor_count == 2 && call.number_count >= first, "2 tensors and 5 numbers or more");
  cached::Cache c{call.number(1), call.number(2), call.number(0), call.floats(0), call.floats(1)};
  const int64_t from = call.number(3), count = call.number(4), copies = call.number_count - first;
  REQUIRE(c.groups > 0 && c.dim > 0 && c.capacity >= 0 && c.capacity % 64 == 0, "columns that are no multiple of 64");
  REQUIRE(call.holds(0, c.capacity, c.groups, c.dim) && call.holds(1, c.capacity, c.groups, c.dim), "size of the cache");
  REQUIRE(count >= 0 && count <= c.capacity, "columns that are not in the cache");
  for (int i = 3; i < call.number_count; i++) {
    REQUIRE(i == 4 || (call.number(i) >= 0 && call.number(i) <= c.capacity - count), "columns that are not in the cache");
  }
  in_pieces(copies * c.groups, 2.0 * copies * count * c.groups * c.dim, [&](int64_t piece, int) {
    const int64_t to = call.number(first + static_cast<int>(piece / c.groups)), g = piece % c.groups;
    for (int64_t i = 0; i < count; i++) {
      const int64_t source = c.block((from + i) / NR, g), target = c.block((to + i) / NR, g);
      for (int64_t d = 0; d < c.dim; d++) {
        c.keys[target + d * NR + (to + i) % NR] = c.keys[source + d * NR + (from + i) % NR];
        c.values[target + (to + i) % NR * c.dim + d] = c.values[source + (from + i) % NR * c.dim + d];
      }
    }
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
