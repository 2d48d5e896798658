// The vocabulary is taken a block at a time; each thread runs its own rows of the hidden states against the block while
// it is in cache. No more of the logits than rows_at_a_time × block per thread ever exists, and both passes read the
// weights once. The block of logits lies as packed A does (row stride LDA), so the products that follow read it in place.
#include "cross-entropy.h"

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

constexpr int64_t rows_at_a_time = 16 * MR;    // rows of logits at a time: at most KC, the depth of one product
static_assert(rows_at_a_time <= KC, "the weights' gradient takes one block of rows as depth");

struct CrossEntropy {
  int64_t n, d, vocabulary;
  const float* hidden;
  View weight;
  const int32_t* targets;
  float *nll, *lse;          // outputs of the forward pass, inputs of the backward pass
  float* figures;            // [3, n] or none: entropy, mean logit, whether no logit is above the target's
  const float* dy;
  float *d_hidden, *d_weight;
  float* packed;             // the block of W, packed for the logits, then for the hidden states' gradient
  Operands operands;         // fp32 or rounded: the logits lie in place, so they are not paired
  float* partial;            // per thread: its rows' part of the block's gradient [block, d]
};

/** logits [rows, width] (row stride LDA) of the rows from `row` on. */
void logits_of(const CrossEntropy& c, int64_t row, int64_t rows, int64_t width, float* packed_rows, float* logits) {
  const int64_t step = depth_part(c.d);
  for (int64_t p = 0; p < c.d; p += step) {
    const int64_t depth = smaller(step, c.d - p);
    pack_a({c.hidden + row * c.d + p, c.d, 1}, rows, depth, packed_rows, c.operands);
    Out out{logits, LDA};
    out.accumulate = p > 0;
    multiply_packed(rows, width, depth, packed_rows, c.packed + p * vocabulary_block, out);
  }
}

void cross_entropy_job(void* context, int thread) {
  const CrossEntropy& c = *static_cast<CrossEntropy*>(context);
  Pool& pool = Pool::instance();
  const Range rows = share(c.n, thread, pool.threads(), MR);
  float* packed_rows = thread_scratch(slot_packed_a, rows_at_a_time * LDA);
  float* logits = thread_scratch(slot_other, rows_at_a_time * LDA + rows.end - rows.begin);
  float* at_target = logits + rows_at_a_time * LDA;
  // nll holds the running sum, lse the running maximum, until the end.
  for (int64_t i = rows.begin; i < rows.end; i++) {
    c.lse[i] = -INFINITY;
    c.nll[i] = 0;
    if (c.figures) c.figures[i] = c.figures[c.n + i] = 0;
  }
  for (int64_t first = 0; first < c.vocabulary; first += vocabulary_block) {
    const int64_t width = smaller(vocabulary_block, c.vocabulary - first);
    pack_words(c.weight, c.d, first, width, c.operands, share(ceil_div(width, NR), thread, pool.threads()), c.packed);
    pool.barrier();
    for (int64_t row = rows.begin; row < rows.end; row += rows_at_a_time) {
      const int64_t count = smaller(rows_at_a_time, rows.end - row);
      logits_of(c, row, count, width, packed_rows, logits);
      for (int64_t i = 0; i < count; i++) {
        Running running{c.lse[row + i], c.nll[row + i]};
        if (c.figures) {
          float* own = c.figures + row + i;
          RunningFigures figures{own[0], own[c.n]};
          add_logits(logits + i * LDA, width, running, &figures);
          own[0] = figures.moment;
          own[c.n] = figures.sum;
        } else {
          add_logits(logits + i * LDA, width, running);
        }
        c.lse[row + i] = running.top;
        c.nll[row + i] = running.total;
        const int64_t target = c.targets[row + i] - first;
        if (target >= 0 && target < width) at_target[row + i - rows.begin] = logits[i * LDA + target];
      }
    }
    pool.barrier();
  }
  for (int64_t i = rows.begin; i < rows.end; i++) {
    if (c.figures) {
      c.figures[i] = logf(c.nll[i]) - c.figures[i] / c.nll[i];
      c.figures[c.n + i] /= static_cast<float>(c.vocabulary);
      c.figures[2 * c.n + i] = at_target[i - rows.begin] >= c.lse[i] ? 1 : 0;
    }
    c.lse[i] += logf(c.nll[i]);
    c.nll[i] = c.lse[i] - at_target[i - rows.begin];
  }
}

/** Adds the threads' parts of the block's gradient up, in the order of the threads. */
void add_partials(const CrossEntropy& c, int64_t first, int64_t width, int thread) {
  const int threads = Pool::instance().threads();
  const Range part = share(width * c.d, thread, threads, W);
  const int64_t size = vocabulary_block * c.d;
  float* to = c.d_weight + first * c.d;
  for (int64_t j = part.begin; j < part.end; j += W) {
    const int64_t lanes = smaller(W, part.end - j);
    vf total{};
    for (int t = 0; t < threads; t++) {
      const float* from = c.partial + t * size + j;
      total += lanes == W ? load(from) : load_some(from, lanes);
    }
    if (lanes == W) {
      store(to + j, total);
    } else {
      store_some(to + j, total, lanes);
    }
  }
}

void cross_entropy_grad_job(void* context, int thread) {
  const CrossEntropy& c = *static_cast<CrossEntropy*>(context);
  Pool& pool = Pool::instance();
  const Range rows = share(c.n, thread, pool.threads(), MR);
  const int64_t strip = ceil_div(c.d, NR) * NR;
  float* packed_rows = thread_scratch(slot_packed_a, rows_at_a_time * LDA);
  float* logits = thread_scratch(slot_other, rows_at_a_time * (LDA + strip));
  float* packed_hidden = logits + rows_at_a_time * LDA;
  float* natural = c.packed + vocabulary_block * strip;
  float* partial = c.d_weight ? c.partial + thread * vocabulary_block * c.d : nullptr;
  const int64_t panels = ceil_div(c.d, NR);
  for (int64_t first = 0; first < c.vocabulary; first += vocabulary_block) {
    const int64_t width = smaller(vocabulary_block, c.vocabulary - first);
    pack_words(c.weight, c.d, first, width, c.operands, share(ceil_div(width, NR), thread, pool.threads()), c.packed);
    const Range mine = share(panels, thread, pool.threads());
    pack_b(c.weight.from(first, 0), c.d, width, mine.begin, mine.end, natural, c.operands);
    pool.barrier();
    if (partial && rows.begin == rows.end) memset(partial, 0, static_cast<size_t>(width * c.d) * sizeof(float));
    for (int64_t row = rows.begin; row < rows.end; row += rows_at_a_time) {
      const int64_t count = smaller(rows_at_a_time, rows.end - row);
      logits_of(c, row, count, width, packed_rows, logits);
      for (int64_t i = 0; i < count; i++) {
        const int64_t r = row + i;
        differentiate_logits(logits + i * LDA, width, c.lse[r], c.dy[r], c.targets[r] - first, c.operands);
      }
      Out hidden{c.d_hidden + row * c.d, c.d};
      hidden.accumulate = first > 0;
      multiply_packed(count, c.d, width, logits, natural, hidden);
      if (!partial) continue;
      // Gᵀ · H: the block's gradient from these rows.
      pack_b({c.hidden + row * c.d, c.d, 1}, c.d, count, 0, panels, packed_hidden, c.operands);
      Out weight{partial, c.d};
      weight.accumulate = row > rows.begin;
      multiply_strips(Order::across, width, c.d, count, logits, packed_hidden, count * NR, weight);
    }
    pool.barrier();
    if (partial) add_partials(c, first, width, thread);
  }
}

const char* read_cross_entropy(const Call& call, CrossEntropy& c, int hidden) {
  c.n = call.number(0);
  c.d = call.number(1);
  c.vocabulary = call.number(2);
  const bool halves = call.number(3) != 0;
  REQUIRE(c.d >= 1 && c.vocabulary >= 1, "d, vocabulary");
  REQUIRE(call.holds(hidden, c.n, c.d) && holds_words(call, hidden + 1, c.vocabulary, c.d, halves) && call.holds(hidden + 2, c.n) &&
              call.holds(hidden + 3, c.n) && call.holds(hidden + 4, c.n),
          "sizes of hidden, weight, targets, nll or logsumexp");
  c.hidden = call.floats(hidden);
  c.weight = {call.floats(hidden + 1), c.d, 1, halves};
  c.targets = call.integers(hidden + 2);
  c.nll = call.floats(hidden + 3);
  c.lse = call.floats(hidden + 4);
  c.operands = loss_operands();
  REQUIRE(all_within(c.targets, c.n, c.vocabulary), "a target is not in the vocabulary");
  return nullptr;
}

}  // namespace

// Tensors: hidden [n, d], weight [vocabulary, d], targets int32 [n], nll [n], logsumexp [n], (figures [3, n]).
// Numbers: n, d, vocabulary, halves (the weight is of bf16, two to a place).
const char* cross_entropy(const Call& call) {
  const bool has_figures = call.tensor_count == 6;
  REQUIRE((has_figures || call.tensor_count == 5) && call.number_count == 4, "5 or 6 tensors and 4 numbers");
  CrossEntropy c{};
  if (const char* fault = read_cross_entropy(call, c, 0)) return fault;
  REQUIRE(!has_figures || call.holds(5, 3, c.n), "size of figures");
  if (has_figures) c.figures = call.floats(5);
  c.packed = shared_scratch(slot_packed_b, vocabulary_block * ceil_div(c.d, NR) * NR);
  Pool::instance().run(cross_entropy_job, &c, 1.0 * c.n * c.d * c.vocabulary);
  return nullptr;
}

// Tensors: dy [n], hidden, weight, targets, nll, logsumexp, dHidden, (dWeight). Numbers: n, d, vocabulary, halves.
const char* cross_entropy_grad(const Call& call) {
  const bool has_weight = call.tensor_count == 8;
  REQUIRE((has_weight || call.tensor_count == 7) && call.number_count == 4, "7 or 8 tensors and 4 numbers");
  CrossEntropy c{};
  if (const char* fault = read_cross_entropy(call, c, 1)) return fault;
  REQUIRE(call.holds(0, c.n) && call.holds(6, c.n, c.d), "sizes of dy or dHidden");
  REQUIRE(!has_weight || (!c.weight.halves && call.holds(7, c.vocabulary, c.d)), "size of dWeight");
  c.dy = call.floats(0);
  c.d_hidden = call.floats(6);
  if (has_weight) c.d_weight = call.floats(7);
  c.packed = shared_scratch(slot_packed_b, 2 * vocabulary_block * ceil_div(c.d, NR) * NR);
  if (has_weight) c.partial = shared_scratch(slot_partial, Pool::instance().threads() * vocabulary_block * c.d);
  Pool::instance().run(cross_entropy_grad_job, &c, 3.0 * c.n * c.d * c.vocabulary);
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
