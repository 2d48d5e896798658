// Output projection and cross-entropy in one, forward and backward: see src/tensor/ops/cross-entropy.ts.
#pragma once

#include <math.h>

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* cross_entropy(const Call& call);
const char* cross_entropy_grad(const Call& call);
const char* cross_entropy_sum(const Call& call);

/** Running maximum and sum of exponentials of one row; the sum is relative to the maximum. */
struct Running {
  float top, total;
};

static inline void add_logits(const float* x, long width, Running& running) {
  vf most = splat(running.top);
  long j = 0;
  for (; j + W <= width; j += W) most = larger(most, load(x + j));
  if (j < width) most = larger(most, load_some(x + j, width - j, running.top));
  const float top = largest(most);
  vf total{};
  for (j = 0; j + W <= width; j += W) total += exp(load(x + j) - top);
  if (j < width) total += exp(load_some(x + j, width - j, -INFINITY) - top);
  const float before = running.total > 0 ? running.total * exp(splat(running.top - top))[0] : 0;
  running = {top, before + sum(total)};
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
