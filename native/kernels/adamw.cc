// One pass over all parameters as if they lay end to end, and the norm of all gradients.
#include "adamw.h"

#include <math.h>

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace optimizer {

struct Step {
  float beta1, rest1, beta2, rest2, scale, step_size, inverse_root, epsilon;
};

/** n elements; as src/tensor/ops/adamw.ts says it. */
static void update(const Step& s, float keep, float* p, const float* gradient, float* m, float* v, int64_t n) {
  const auto next = [&](vf g, vf& p, vf& m, vf& v) {
    g = g * s.scale;
    m = m * s.beta1 + g * s.rest1;
    v = v * s.beta2 + g * g * s.rest2;
    p = p * keep - m / (square_root(v) * s.inverse_root + s.epsilon) * s.step_size;
  };
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    vf p1 = load(p + i), m1 = load(m + i), v1 = load(v + i);
    next(load(gradient + i), p1, m1, v1);
    store(p + i, p1);
    store(m + i, m1);
    store(v + i, v1);
  }
  const int64_t rest = n - i;
  if (rest == 0) return;
  vf p1 = load_some(p + i, rest), m1 = load_some(m + i, rest), v1 = load_some(v + i, rest);
  next(load_some(gradient + i, rest), p1, m1, v1);
  store_some(p + i, p1, rest);
  store_some(m + i, m1, rest);
  store_some(v + i, v1, rest);
}

/** Elements whose squares are added up together: fixed, so that the norm does not depend on the thread count. */
constexpr int64_t chunk = 16384;

}  // namespace optimizer

// Tensors: p, g, m, v of each parameter in turn. Numbers: count, beta1, beta2, gradientScale, stepSize, root, epsilon,
// then for each parameter what weight decay leaves of it.
const char* adamw(const Call& call) {
  constexpr int settings = 7;
  REQUIRE(call.number_count >= settings, "7 numbers and one more for each parameter");
  const int64_t count = call.number(0);
  REQUIRE(call.number_count == settings + count && call.tensor_count == 4 * count,
          "4 tensors and 1 number for each parameter");
  int64_t total = 0;
  for (int64_t i = 0; i < count; i++) {
    const Tensor* t = call.tensors + 4 * i;
    REQUIRE(t[1].size == t[0].size && t[2].size == t[0].size && t[3].size == t[0].size,
            "a gradient or moment is not of its parameter's size");
    total += t[0].size;
  }
  const double* numbers = call.numbers;
  const auto as_float = [](double x) { return static_cast<float>(x); };
  const optimizer::Step step{as_float(numbers[1]), as_float(1 - numbers[1]), as_float(numbers[2]),
                             as_float(1 - numbers[2]), as_float(numbers[3]), as_float(numbers[4]),
                             as_float(1 / numbers[5]), as_float(numbers[6])};
  split_over(total, total, 16, [&](Range part, int) {
    int64_t first = 0;  // of the parameter, were they all end to end
    for (int64_t i = 0; i < count && first < part.end; i++) {
      const Tensor* t = call.tensors + 4 * i;
      const int64_t begin = larger(part.begin - first, 0), end = smaller(part.end - first, t[0].size);
      if (begin < end) {
        optimizer::update(step, as_float(numbers[settings + i]), t[0].floats() + begin, t[1].floats() + begin,
                          t[2].floats() + begin, t[3].floats() + begin, end - begin);
      }
      first += t[0].size;
    }
  });
  return nullptr;
}

// Tensors: count gradients, then the norm [1]. Numbers: count.
const char* global_norm(const Call& call) {
  REQUIRE(call.number_count == 1, "1 number");
  const int64_t count = call.number(0);
  REQUIRE(count >= 0 && call.tensor_count == count + 1 && call.tensors[count].size == 1, "gradients and a norm [1]");
  int64_t chunks = 0, total = 0;
  for (int64_t i = 0; i < count; i++) {
    chunks += ceil_div(call.tensors[i].size, optimizer::chunk);
    total += call.tensors[i].size;
  }
  double* partial = reinterpret_cast<double*>(shared_scratch(slot_partial, 2 * chunks));
  split_over(total, chunks, 1, [&](Range part, int) {
    int64_t first = 0;
    for (int64_t i = 0; i < count && first < part.end; i++) {
      const Tensor& t = call.tensors[i];
      const int64_t own = ceil_div(t.size, optimizer::chunk);
      for (int64_t c = larger(part.begin - first, 0); c < smaller(part.end - first, own); c++) {
        const int64_t begin = c * optimizer::chunk;
        partial[first + c] = sum_double(t.floats() + begin, smaller(optimizer::chunk, t.size - begin),
                                        [](auto x) { return x * x; });
      }
      first += own;
    }
  });
  double squares = 0;
  for (int64_t i = 0; i < chunks; i++) squares += partial[i];
  call.floats(static_cast<int>(count))[0] = static_cast<float>(sqrt(squares));
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
