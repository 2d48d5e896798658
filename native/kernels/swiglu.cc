// y = silu(g) · u with silu(g) = g · σ(g); backward in one pass, with σ computed again rather than kept.
#include "swiglu.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace swish {

static inline __attribute__((always_inline)) vf sigmoid(vf x) { return 1.0f / (exp(-x) + 1.0f); }

static inline __attribute__((always_inline)) vf forward(vf g, vf u) { return g * sigmoid(g) * u; }

struct Slopes {
  vf gate, up;
};
static inline __attribute__((always_inline)) Slopes backward(vf dy, vf g, vf u) {
  const vf s = sigmoid(g), silu = g * s;
  return {dy * u * (s + silu * (1.0f - s)), dy * silu};
}

}  // namespace swish

// Tensors: gate, up, y. Numbers: size.
const char* swiglu(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 1, "3 tensors and 1 number");
  const int64_t size = call.number(0);
  for (int t = 0; t < 3; t++) REQUIRE(call.tensors[t].size == size, "sizes of gate, up or y");
  split_elements(size, [&](int64_t first, int64_t n) {
    const float* gate = call.floats(0) + first;
    const float* up = call.floats(1) + first;
    float* y = call.floats(2) + first;
    int64_t i = 0;
    for (; i + W <= n; i += W) store(y + i, swish::forward(load(gate + i), load(up + i)));
    store_some(y + i, swish::forward(load_some(gate + i, n - i), load_some(up + i, n - i)), n - i);
  });
  return nullptr;
}

// Tensors: dy, gate, up, dgate, dup. Numbers: size.
const char* swiglu_grad(const Call& call) {
  REQUIRE(call.tensor_count == 5 && call.number_count == 1, "5 tensors and 1 number");
  const int64_t size = call.number(0);
  for (int t = 0; t < 5; t++) REQUIRE(call.tensors[t].size == size, "sizes of dy, gate, up, dgate or dup");
  split_elements(size, [&](int64_t first, int64_t n) {
    const float* dy = call.floats(0) + first;
    const float* gate = call.floats(1) + first;
    const float* up = call.floats(2) + first;
    float* d_gate = call.floats(3) + first;
    float* d_up = call.floats(4) + first;
    int64_t i = 0;
    for (; i + W <= n; i += W) {
      const swish::Slopes slopes = swish::backward(load(dy + i), load(gate + i), load(up + i));
      store(d_gate + i, slopes.gate);
      store(d_up + i, slopes.up);
    }
    const swish::Slopes slopes =
        swish::backward(load_some(dy + i, n - i), load_some(gate + i, n - i), load_some(up + i, n - i));
    store_some(d_gate + i, slopes.gate, n - i);
    store_some(d_up + i, slopes.up, n - i);
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
