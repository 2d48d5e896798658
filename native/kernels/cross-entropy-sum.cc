// The loss of a training step, Σ weight · nll, with its gradients at once: the logits of some rows at a time are computed
// once, kept as their exponentials, turned into their own gradient, and multiplied out. A separate backward pass would
// compute them again.
// Everything is cut by sizes alone, so that the number of threads changes no bit.
#include "cross-entropy.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

constexpr int64_t most_rows = KC / MR * MR;  // of a group: the depth of one product with the hidden states
constexpr int64_t groups = 2;                // of rows at a time: a chunk
constexpr int64_t tile_rows = 2 * MR;        // of one piece of work
constexpr int64_t most_logits = 16l << 20;   // at a time: 64 MiB, or a tile of each group where that is more
constexpr int64_t most_natural = 1l << 19;   // floats of W at a time, packed for the hidden states' gradient
constexpr int64_t tile_work = 4 << 20;       // multiply-adds of a piece of work

/** Some rows of one group: `at` counts within the group, `row` over all. */
struct Tile {
  int64_t group, at, row, count;
};

struct CrossEntropySum {
  int64_t n, d, vocabulary;
  const float *hidden, *weights;
  View weight;
  const int32_t* targets;
  float *d_hidden, *d_weight;  // no d_weight where it is not wanted
  float* figures;              // [3, n] or none: entropy, mean logit, whether no logit is above the target's
  Operands operands;
  double work;
  int64_t rows;      // of a group
  float* packed;  // all of Wᵀ: blocks of the vocabulary, each in parts of the depth
  float* logits;  // [block][group][row][LDA]: each block lies as packed A does
  float* packed_hidden;      // [group]: for the weights' gradient
  float* natural[2];         // some blocks of W, in turn: while one is read, the next is packed
  float *tops, *totals;      // [block][row of the chunk]: the largest logit, and Σ exp relative to it
  float *moments, *sums;     // the same of RunningFigures, where figures are wanted
  float *lse, *of_target;    // [row of the chunk]: the logsumexp, and the target's logit

  int64_t blocks() const { return ceil_div(vocabulary, vocabulary_block); }
  int64_t width(int64_t b) const { return smaller(vocabulary_block, vocabulary - b * vocabulary_block); }
  int64_t strips() const { return ceil_div(d, NR); }
  int64_t natural_block() const { return vocabulary_block * strips() * NR; }
  int64_t blocks_at_a_time() const { return smaller(blocks(), larger(1, most_natural / natural_block())); }
  float* packed_block(int64_t b) const { return packed + b * vocabulary_block * d; }
  float* logits_of(int64_t b, int64_t group) const { return logits + (b * groups + group) * rows * LDA; }
  float* hidden_of(int64_t group) const { return packed_hidden + group * rows * strips() * NR; }
  /** Rows of a chunk's row of numbers, with room for whole vectors. */
  int64_t stride() const { return ceil_div(groups * rows, W) * W; }
  int64_t chunk_rows(int64_t first) const { return smaller(groups * rows, n - first); }
  int64_t group_rows(int64_t first, int64_t group) const {
    return larger(0, smaller(rows, n - first - group * rows));
  }
  int64_t tiles() const { return groups * ceil_div(rows, tile_rows); }
  Tile tile(int64_t first, int64_t i) const {
    const int64_t per_group = tiles() / groups, group = i / per_group, at = i % per_group * tile_rows;
    return {group, at, first + group * rows + at, smaller(tile_rows, group_rows(first, group) - at)};
  }
};

/** Logits → e^(logit − the largest), in place, and what they add up to; `x` has room for whole vectors. */
template <bool Figures>
void exponentiate(float* x, int64_t width, Running& running, RunningFigures& figures) {
  const int64_t whole = width / W * W;
  vf most = splat(-INFINITY);
  for (int64_t j = 0; j < whole; j += W) most = larger(most, load(x + j));
  if (whole < width) most = larger(most, load_some(x + whole, width - whole, -INFINITY));
  const float top = largest(most);
  vf total{}, moment{}, all{};
  for (int64_t j = 0; j < whole; j += W) {
    const vf logits = load(x + j), e = exp(logits - top);
    store(x + j, e);
    total += e;
    if (!Figures) continue;
    moment += e * (logits - top);
    all += logits;
  }
  float rest = 0, rest_moment = 0;
  if (whole < width) {
    const vf logits = load_some(x + whole, width - whole, -INFINITY), e = exp(logits - top);
    store(x + whole, e);
    total += e;
    for (int64_t lane = 0; Figures && lane < width - whole; lane++) {
      rest_moment += e[lane] * (logits[lane] - top);
      rest += logits[lane];
    }
  }
  running = {top, sum(total)};
  if (Figures) figures = {sum(moment) + rest_moment, sum(all) + rest};
}

/** The logits of a tile of rows at some blocks of the vocabulary as exponentials; their maximum and sum at each. */
void score(const CrossEntropySum& c, const Tile& tile, Range some) {
  const int64_t part = depth_part(c.d), in_chunk = tile.group * c.rows + tile.at;
  float* packed_rows = thread_scratch(slot_packed_a, tile_rows * LDA);
  for (int64_t p = 0; p < c.d; p += part) {
    const int64_t depth = smaller(part, c.d - p);
    pack_a({c.hidden + tile.row * c.d + p, c.d, 1}, tile.count, depth, packed_rows, c.operands);
    for (int64_t b = some.begin; b < some.end; b++) {
      float* logits = c.logits_of(b, tile.group) + tile.at * LDA;
      Out out{logits, LDA};
      out.accumulate = p > 0;
      multiply_packed(tile.count, c.width(b), depth, packed_rows, c.packed_block(b) + p * vocabulary_block, out);
      if (p + depth < c.d) continue;
      for (int64_t i = 0; i < tile.count; i++) {
        const int64_t at = b * c.stride() + in_chunk + i, target = c.targets[tile.row + i] - b * vocabulary_block;
        if (target >= 0 && target < c.width(b)) c.of_target[in_chunk + i] = logits[i * LDA + target];
        Running running;
        RunningFigures figures;
        (c.figures ? exponentiate<true> : exponentiate<false>)(logits + i * LDA, c.width(b), running, figures);
        c.tops[at] = running.top;
        c.totals[at] = running.total;
        if (!c.figures) continue;
        c.moments[at] = figures.moment;
        c.sums[at] = figures.sum;
      }
    }
  }
}

/** The figures of a row from those of its blocks, in their order; all but whether its target is the likeliest. */
void add_up_figures(const CrossEntropySum& c, int64_t row, int64_t in_chunk, float top, float total) {
  float moment = 0, sum = 0;
  for (int64_t b = 0; b < c.blocks(); b++) {
    const int64_t at = b * c.stride() + in_chunk;
    const float below = c.tops[at] - top;
    moment += exp(splat(below))[0] * (c.moments[at] + below * c.totals[at]);
    sum += c.sums[at];
  }
  c.figures[row] = logf(total) - moment / total;
  c.figures[c.n + row] = sum / static_cast<float>(c.vocabulary);
}

/** The logsumexp of each row of a chunk, from its blocks in their order; returns Σ weight · nll. */
double add_up_chunk(const CrossEntropySum& c, int64_t first) {
  const int64_t count = c.chunk_rows(first);
  double loss = 0;
  for (int64_t i = 0; i < count; i += W) {
    vf top = splat(-INFINITY), total{};
    for (int64_t b = 0; b < c.blocks(); b++) top = larger(top, load(c.tops + b * c.stride() + i));
    for (int64_t b = 0; b < c.blocks(); b++) {
      total += load(c.totals + b * c.stride() + i) * exp(load(c.tops + b * c.stride() + i) - top);
    }
    for (int64_t lane = 0; lane < smaller(W, count - i); lane++) {
      const int64_t row = first + i + lane;
      c.lse[i + lane] = top[lane] + logf(total[lane]);
      if (c.figures) add_up_figures(c, row, i + lane, top[lane], total[lane]);
      if (c.figures) c.figures[2 * c.n + row] = c.of_target[i + lane] >= top[lane] ? 1 : 0;
      loss += static_cast<double>(c.weights[row]) * (c.lse[i + lane] - c.of_target[i + lane]);
    }
  }
  return loss;
}

/** Exponentials → (softmax − one-hot) · weight, in place; then their product with W: the hidden states' gradient. */
void differentiate(const CrossEntropySum& c, const Tile& tile, Range some, const float* natural) {
  const int64_t in_chunk = tile.group * c.rows + tile.at;
  for (int64_t b = some.begin; b < some.end; b++, natural += c.natural_block()) {
    float* logits = c.logits_of(b, tile.group) + tile.at * LDA;
    const int64_t first = b * vocabulary_block, width = c.width(b);
    for (int64_t i = 0; i < tile.count; i++) {
      float* x = logits + i * LDA;
      const float weight = c.weights[tile.row + i], below = c.tops[b * c.stride() + in_chunk + i] - c.lse[in_chunk + i];
      const int64_t target = c.targets[tile.row + i] - first;
      const vf factor = exp(splat(below)) * weight;
      for (int64_t j = 0; j < width; j += W) store(x + j, load(x + j) * factor);
      if (target >= 0 && target < width) x[target] -= weight;
      if (c.operands != Operands::fp32) round_row(x, width);
    }
    Out out{c.d_hidden + tile.row * c.d, c.d};
    out.accumulate = b > 0;
    multiply_packed(tile.count, c.d, width, logits, natural, out);
  }
}

/** Gᵀ · H for some words of a block, over all rows of the chunk. */
void add_weight_gradient(const CrossEntropySum& c, int64_t first, int64_t b, Range words) {
  for (int64_t group = 0; group < groups; group++) {
    const int64_t count = c.group_rows(first, group);
    if (count == 0) return;
    Out out{c.d_weight + (b * vocabulary_block + words.begin) * c.d, c.d};
    out.accumulate = first > 0 || group > 0;
    multiply_strips(Order::across, words.end - words.begin, c.d, count, c.logits_of(b, group) + words.begin,
                    c.hidden_of(group), count * NR, out);
  }
}

/** One chunk: three steps, and in each the packing for the next. */
double run_chunk(const CrossEntropySum& c, int64_t first) {
  const int64_t blocks = c.blocks(), at_a_time = c.blocks_at_a_time(), tiles = c.tiles();
  const auto pack_natural = [&](int64_t b) {
    float* to = c.natural[b / at_a_time % 2] + b % at_a_time * c.natural_block();
    pack_b(c.weight.from(b * vocabulary_block, 0), c.d, c.width(b), 0, c.strips(), to, c.operands);
  };
  const auto pack_hidden = [&](int64_t group) {
    const float* from = c.hidden + (first + group * c.rows) * c.d;
    pack_b({from, c.d, 1}, c.d, c.group_rows(first, group), 0, c.strips(), c.hidden_of(group), c.operands);
  };

  const int64_t spans = ceil_div(blocks, larger(1, tile_work / (tile_rows * vocabulary_block * c.d)));
  const int64_t packing = c.d_weight ? groups : 0;
  in_pieces(packing + at_a_time + tiles * spans, c.work, [&](int64_t piece, int) {
    if (piece < packing) return pack_hidden(piece);
    if ((piece -= packing) < at_a_time) return pack_natural(piece);
    piece -= at_a_time;
    const Tile tile = c.tile(first, piece / spans);
    if (tile.count > 0) score(c, tile, share(blocks, piece % spans, spans));
  });
  const double loss = add_up_chunk(c, first);

  for (int64_t b = 0; b < blocks; b += at_a_time) {
    const Range some{b, smaller(blocks, b + at_a_time)};
    const int64_t after = smaller(blocks, some.end + at_a_time) - some.end;
    in_pieces(after + tiles, c.work, [&](int64_t piece, int) {
      if (piece < after) return pack_natural(some.end + piece);
      const Tile tile = c.tile(first, piece - after);
      if (tile.count > 0) differentiate(c, tile, some, c.natural[b / at_a_time % 2]);
    });
  }

  if (!c.d_weight) return loss;
  constexpr int64_t of_block = 6;
  in_pieces(blocks * of_block, c.work, [&](int64_t piece, int) {
    const int64_t b = piece / of_block;
    add_weight_gradient(c, first, b, share(c.width(b), piece % of_block, of_block, MR));
  });
  return loss;
}

}  // namespace

// Tensors: hidden [n, d], weight [vocabulary, d], targets int32 [n], weights [n], loss [1], dHidden, (dWeight), (figures [3, n]).
// Numbers: n, d, vocabulary, halves (the weight is of bf16, two to a place), dWeight, figures (each is wanted).
const char* cross_entropy_sum(const Call& call) {
  REQUIRE(call.number_count == 6, "6 numbers");
  const bool has_weight = call.number(4) != 0, has_figures = call.number(5) != 0;
  const int figures = has_weight ? 7 : 6;
  REQUIRE(call.tensor_count == figures + has_figures, "6 tensors, dWeight?, figures?");
  CrossEntropySum c{};
  c.n = call.number(0);
  c.d = call.number(1);
  c.vocabulary = call.number(2);
  const bool halves = call.number(3) != 0;
  REQUIRE(c.d >= 1 && c.vocabulary >= 1, "d, vocabulary");
  REQUIRE(call.holds(0, c.n, c.d) && holds_words(call, 1, c.vocabulary, c.d, halves) && call.holds(2, c.n) &&
              call.holds(3, c.n) && call.holds(4, 1) && call.holds(5, c.n, c.d),
          "sizes of hidden, weight, targets, weights, loss or dHidden");
  REQUIRE(!has_weight || (!halves && call.holds(6, c.vocabulary, c.d)), "size of dWeight");
  REQUIRE(!has_figures || call.holds(figures, 3, c.n), "size of figures");
  c.hidden = call.floats(0);
  c.weight = {call.floats(1), c.d, 1, halves};
  c.targets = call.integers(2);
  c.weights = call.floats(3);
  c.d_hidden = call.floats(5);
  if (has_weight) c.d_weight = call.floats(6);
  if (has_figures) c.figures = call.floats(figures);
  REQUIRE(all_within(c.targets, c.n, c.vocabulary), "a target is not in the vocabulary");
  call.floats(4)[0] = 0;
  if (c.n == 0) {
    if (has_weight) memset(c.d_weight, 0, static_cast<size_t>(call.tensors[6].size) * sizeof(float));
    return nullptr;
  }
  c.operands = loss_operands();
  c.work = 3.0 * c.n * c.d * c.vocabulary;
  const int64_t fitting = most_logits / (groups * c.blocks() * LDA) / MR * MR;
  c.rows = larger(MR, smaller(most_rows, smaller(fitting, ceil_div(ceil_div(c.n, groups), MR) * MR)));
  c.packed = shared_scratch(slot_packed_b, c.blocks() * vocabulary_block * c.d);
  c.logits = shared_scratch(slot_logits, c.blocks() * groups * c.rows * LDA);
  const int64_t of_hidden = (has_weight ? groups : 0) * c.rows * c.strips() * NR, of_natural = c.blocks_at_a_time() * c.natural_block();
  const int64_t of_blocks = c.blocks() * c.stride();
  c.packed_hidden = shared_scratch(slot_partial, of_hidden + 2 * of_natural +
                                                        (has_figures ? 4 : 2) * of_blocks + 2 * c.stride());
  c.natural[0] = c.packed_hidden + of_hidden;
  c.natural[1] = c.natural[0] + of_natural;
  c.tops = c.natural[1] + of_natural;
  c.totals = c.tops + of_blocks;
  c.lse = c.totals + of_blocks;
  c.of_target = c.lse + c.stride();
  c.moments = c.of_target + c.stride();
  c.sums = c.moments + of_blocks;
  in_pieces(c.blocks(), c.work, [&](int64_t b, int) {
    const Range all{0, ceil_div(c.width(b), NR)};
    pack_words(c.weight, c.d, b * vocabulary_block, c.width(b), c.operands, all, c.packed_block(b));
  });
  double loss = 0;
  for (int64_t first = 0; first < c.n; first += groups * c.rows) loss += run_chunk(c, first);
  call.floats(4)[0] = static_cast<float>(loss);
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
