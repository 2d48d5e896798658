// Output projection and cross-entropy in one, forward and backward: see src/tensor/ops/cross-entropy.ts.
#pragma once

#include <math.h>

#include "../call.h"
#include "../simd.h"
#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* cross_entropy(const Call& call);
const char* cross_entropy_grad(const Call& call);
const char* cross_entropy_sum(const Call& call);

/** Columns of the vocabulary at a time. */
constexpr int64_t vocabulary_block = KC / NR * NR;

/** The depth d in the parts that every product takes it in: a logit is then the same bits as where it is sampled from. */
static inline int64_t depth_part(int64_t d) { return block_depth(d, Operands::fp32); }

/** fp32 or rounded: the logits lie where the next product reads them, so they are not paired. */
static inline Operands loss_operands() {
  return wanted_operands() == Operands::fp32 ? Operands::fp32 : Operands::rounded;
}

/** Whether tensor i is the output projection [vocabulary, d] of floats, or of `halves`, two to a place. */
static inline bool holds_words(const Call& call, int i, int64_t vocabulary, int64_t d, bool halves) {
  return halves ? d % 2 == 0 && call.holds(i, vocabulary, d / 2) : call.holds(i, vocabulary, d);
}

/** Packs some panels of W[first … first + width)ᵀ, one part of the depth after the other; `weight` is W as it lies. */
static inline void pack_words(View weight, int64_t d, int64_t first, int64_t width, Operands operands, Range panels, float* to) {
  const int64_t part = depth_part(d);
  for (int64_t p = 0; p < d; p += part) {
    const View rows = weight.from(first, p);
    const View view{rows.data, 1, d, rows.halves};
    pack_b(view, width, smaller(part, d - p), panels.begin, panels.end, to + p * vocabulary_block, operands);
  }
}

/** A row to the nearest bf16, in place; it has room for whole vectors. */
static inline void round_row(float* x, int64_t width) {
  for (int64_t j = 0; j < width; j += W) store(x + j, from_bits(bf16_bits(load(x + j))));
}

/** logits → (softmax − one-hot) · dy, in place; `x` has room for whole vectors, `target` may lie outside. */
static inline void differentiate_logits(float* x, int64_t width, float lse, float dy, int64_t target, Operands operands) {
  for (int64_t j = 0; j < width; j += W) store(x + j, exp(load(x + j) - lse) * dy);
  if (target >= 0 && target < width) x[target] -= dy;
  if (operands != Operands::fp32) round_row(x, width);
}

/** Running maximum and sum of exponentials of one row; the sum is relative to the maximum. */
struct Running {
  float top, total;
};

/** Of one row beside those: Σ e^(l − top) · (l − top) over its logits l, and Σ l. */
struct RunningFigures {
  float moment, sum;
};

/** `figures`: none where only the sum of exponentials is wanted. */
static inline void add_logits(const float* x, int64_t width, Running& running, RunningFigures* figures = nullptr) {
  vf most = splat(running.top);
  int64_t j = 0;
  for (; j + W <= width; j += W) most = larger(most, load(x + j));
  if (j < width) most = larger(most, load_some(x + j, width - j, running.top));
  const float top = largest(most);
  vf total{};
  for (j = 0; j + W <= width; j += W) total += exp(load(x + j) - top);
  if (j < width) total += exp(load_some(x + j, width - j, -INFINITY) - top);
  const float before = running.total > 0 ? running.total * exp(splat(running.top - top))[0] : 0;
  if (figures) {
    vf moment{}, all{};
    for (j = 0; j + W <= width; j += W) {
      const vf logits = load(x + j);
      moment += exp(logits - top) * (logits - top);
      all += logits;
    }
    float rest = 0, rest_moment = 0;
    for (; j < width; j++) {
      rest += x[j];
      rest_moment += exp(splat(x[j] - top))[0] * (x[j] - top);
    }
    // What stood relative to the earlier maximum: e^(l − new) (l − new) = e^(old − new) (e^(l − old) (l − old) + …).
    const float scale = running.total > 0 ? exp(splat(running.top - top))[0] : 0;
    const float earlier = running.total > 0 ? scale * (figures->moment + (running.top - top) * running.total) : 0;
    *figures = {earlier + sum(moment) + rest_moment, figures->sum + sum(all) + rest};
  }
  running = {top, before + sum(total)};
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
