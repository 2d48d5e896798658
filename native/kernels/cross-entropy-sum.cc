// The loss of a training step, Σ weight · nll, with its gradients at once: the logits of some rows at a time are computed
// once, kept, turned into their own gradient, and multiplied out. A separate backward pass would compute them again.
#include "cross-entropy.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

constexpr long most_rows = KC / MR * MR;  // per thread at a time: the depth of one product with the hidden states
constexpr long most_logits = 16l << 20;  // of all threads at a time: 64 MiB, or MR rows a thread where that is more

struct CrossEntropySum {
  long n, d, vocabulary;
  const float *hidden, *weight, *weights;
  const int32_t* targets;
  float *d_hidden, *d_weight;
  Operands operands;
  long rows;      // per thread at a time
  float* packed;  // all of Wᵀ: blocks of the vocabulary, each in parts of the depth
  float* logits;  // [block][thread][row][LDA]: each block lies as packed A does
  double loss[256];

  long blocks() const { return ceil_div(vocabulary, vocabulary_block); }
  long width(long b) const { return smaller(vocabulary_block, vocabulary - b * vocabulary_block); }
  long padded_depth() const { return ceil_div(d, NR) * NR; }
  float* packed_block(long b) const { return packed + b * vocabulary_block * d; }
  float* logits_of(long b, int thread) const {
    return logits + (b * Pool::instance().threads() + thread) * rows * LDA;
  }
  /** A thread's rows of the chunk that begins at `first`. */
  Range rows_of(long first, int thread) const {
    const long begin = smaller(n, first + thread * rows);
    return {begin, smaller(n, begin + rows)};
  }
};

/** The logits of a thread's rows, block after block; their maximum and sum, and the loss. */
void score(CrossEntropySum& c, Range rows, int thread, float* packed_rows, float* lse) {
  const long count = rows.end - rows.begin, part = depth_part(c.d);
  Running running[most_rows];
  for (long i = 0; i < count; i++) running[i] = {-INFINITY, 0};
  for (long p = 0; p < c.d; p += part) {
    const long depth = smaller(part, c.d - p);
    pack_a({c.hidden + rows.begin * c.d + p, c.d, 1}, count, depth, packed_rows, c.operands);
    for (long b = 0; b < c.blocks(); b++) {
      float* logits = c.logits_of(b, thread);
      Out out{logits, LDA};
      out.accumulate = p > 0;
      multiply_packed(true, count, c.width(b), depth, packed_rows, c.packed_block(b) + p * vocabulary_block, out);
      if (p + depth < c.d) continue;
      for (long i = 0; i < count; i++) add_logits(logits + i * LDA, c.width(b), running[i]);
    }
  }
  for (long i = 0; i < count; i++) {
    const long row = rows.begin + i, target = c.targets[row];
    lse[i] = running[i].top + logf(running[i].total);
    const float at_target = c.logits_of(target / vocabulary_block, thread)[i * LDA + target % vocabulary_block];
    c.loss[thread] += static_cast<double>(c.weights[row]) * (lse[i] - at_target);
  }
}

/** logits → (softmax − one-hot) · weight, in place; then their product with W: the hidden states' gradient. */
void differentiate(const CrossEntropySum& c, Range rows, int thread, const float* lse, float* natural) {
  const long count = rows.end - rows.begin;
  for (long b = 0; b < c.blocks(); b++) {
    float* logits = c.logits_of(b, thread);
    const long first = b * vocabulary_block, width = c.width(b);
    for (long i = 0; i < count; i++) {
      const long row = rows.begin + i;
      differentiate_logits(logits + i * LDA, width, lse[i], c.weights[row], c.targets[row] - first, c.operands);
    }
    pack_b({c.weight + first * c.d, c.d, 1}, c.d, width, 0, ceil_div(c.d, NR), natural, c.operands);
    Out out{c.d_hidden + rows.begin * c.d, c.d};
    out.accumulate = b > 0;
    multiply_packed(true, count, c.d, width, logits, natural, out);
  }
}

/** Gᵀ · H for a thread's part of the vocabulary, over all rows of the chunk. */
void add_weight_gradient(const CrossEntropySum& c, long first, int thread, float* packed_hidden) {
  const int threads = Pool::instance().threads();
  const Range mine = share(c.vocabulary, thread, threads, MR);
  for (int t = 0; t < threads; t++) {
    const Range rows = c.rows_of(first, t);
    const long count = rows.end - rows.begin;
    if (count == 0) break;
    pack_b({c.hidden + rows.begin * c.d, c.d, 1}, c.d, count, 0, ceil_div(c.d, NR), packed_hidden, c.operands);
    for (long v = mine.begin; v < mine.end;) {
      const long b = v / vocabulary_block, end = smaller(mine.end, (b + 1) * vocabulary_block);
      Out out{c.d_weight + v * c.d, c.d};
      out.accumulate = first > 0 || t > 0;
      multiply_strips(Order::across, end - v, c.d, count, c.logits_of(b, t) + v % vocabulary_block, packed_hidden,
                      count * NR, out);
      v = end;
    }
  }
}

void cross_entropy_sum_job(void* context, int thread) {
  CrossEntropySum& c = *static_cast<CrossEntropySum*>(context);
  Pool& pool = Pool::instance();
  float* packed_rows = thread_scratch(slot_packed_a, most_rows * LDA);
  float* packed_other = thread_scratch(slot_other, vocabulary_block * c.padded_depth());
  float lse[most_rows];
  for (long b = 0; b < c.blocks(); b++) {
    pack_words(c.weight, c.d, b * vocabulary_block, c.width(b), c.operands, thread, c.packed_block(b));
  }
  pool.barrier();
  for (long first = 0; first < c.n; first += pool.threads() * c.rows) {
    const Range rows = c.rows_of(first, thread);
    if (rows.begin < rows.end) {
      score(c, rows, thread, packed_rows, lse);
      differentiate(c, rows, thread, lse, packed_other);
    }
    pool.barrier();
    add_weight_gradient(c, first, thread, packed_other);
    pool.barrier();
  }
}

}  // namespace

// Tensors: hidden [n, d], weight [vocabulary, d], targets int32 [n], weights [n], loss [1], dHidden, dWeight.
// Numbers: n, d, vocabulary.
const char* cross_entropy_sum(const Call& call) {
  REQUIRE(call.tensor_count == 7 && call.number_count == 3, "7 tensors and 3 numbers");
  CrossEntropySum c{};
  c.n = call.number(0);
  c.d = call.number(1);
  c.vocabulary = call.number(2);
  REQUIRE(c.d >= 1 && c.vocabulary >= 1, "d, vocabulary");
  REQUIRE(call.holds(0, c.n, c.d) && call.holds(1, c.vocabulary, c.d) && call.holds(2, c.n) && call.holds(3, c.n) &&
              call.holds(4, 1) && call.holds(5, c.n, c.d) && call.holds(6, c.vocabulary, c.d),
          "sizes of hidden, weight, targets, weights, loss, dHidden or dWeight");
  c.hidden = call.floats(0);
  c.weight = call.floats(1);
  c.targets = call.integers(2);
  c.weights = call.floats(3);
  c.d_hidden = call.floats(5);
  c.d_weight = call.floats(6);
  REQUIRE(all_within(c.targets, c.n, c.vocabulary), "a target is not in the vocabulary");
  call.floats(4)[0] = 0;
  if (c.n == 0) {
    memset(c.d_weight, 0, static_cast<size_t>(call.tensors[6].size) * sizeof(float));
    return nullptr;
  }
  c.operands = loss_operands();
  const long threads = Pool::instance().threads();
  const long fitting = most_logits / (threads * c.blocks() * LDA) / MR * MR;
  c.rows = larger(MR, smaller(most_rows, smaller(fitting, ceil_div(ceil_div(c.n, threads), MR) * MR)));
  c.packed = shared_scratch(slot_packed_b, c.blocks() * vocabulary_block * c.d);
  c.logits = shared_scratch(slot_logits, c.blocks() * threads * c.rows * LDA);
  Pool::instance().run(cross_entropy_sum_job, &c, 3.0 * c.n * c.d * c.vocabulary);
  double loss = 0;
  for (long thread = 0; thread < threads; thread++) loss += c.loss[thread];
  call.floats(4)[0] = static_cast<float>(loss);
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
