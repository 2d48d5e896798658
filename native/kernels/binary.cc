#include "binary.h"

#include "strided.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strided {

struct Add {
  template <typename T>
  static T of(T a, T b) { return a + b; }
};
struct Sub {
  template <typename T>
  static T of(T a, T b) { return a - b; }
};
struct Mul {
  template <typename T>
  static T of(T a, T b) { return a * b; }
};
struct Div {
  template <typename T>
  static T of(T a, T b) { return a / b; }
};

/** One run; a stride of 0 is one number for all. */
template <typename Op>
static inline void binary_run(const float* a, int64_t a_step, const float* b, int64_t b_step, float* y, int64_t n) {
  int64_t i = 0;
  if (a_step == 1 && b_step == 1) {
    for (; i + W <= n; i += W) store(y + i, Op::of(load(a + i), load(b + i)));
  } else if (a_step == 1 && b_step == 0) {
    const vf all = splat(*b);
    for (; i + W <= n; i += W) store(y + i, Op::of(load(a + i), all));
  } else if (a_step == 0 && b_step == 1) {
    const vf all = splat(*a);
    for (; i + W <= n; i += W) store(y + i, Op::of(all, load(b + i)));
  }
  for (; i < n; i++) y[i] = Op::of(a[i * a_step], b[i * b_step]);
}

template <typename Op>
void binary_walk(const Walk& walk, const float* a, const float* b, float* y) {
  split_over(walk.count, walk.count, 16, [&](Range part, int) {
    for_runs(walk, part, [&](int64_t i, int64_t j, int64_t index, int64_t n, int64_t a_step, int64_t b_step) {
      binary_run<Op>(a + i, a_step, b + j, b_step, y + index, n);
    });
  });
}

}  // namespace strided

// Tensors: a, b, y. Numbers: op, rank, sizes of y, strides of a, strides of b (0: the same element for all).
// Ops: 0 add, 1 sub, 2 mul, 3 div.
const char* binary(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 3 && call.number_count >= 2, "3 tensors and at least 2 numbers");
  int rank;
  int64_t sizes[most_axes], a[most_axes], b[most_axes];
  const int64_t count = read_shape(call, 1, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 2 + 3 * rank, "op, rank, sizes and strides");
  REQUIRE(call.tensors[2].size == count, "size of y");
  if (count == 0) return nullptr;
  REQUIRE(read_strides(call, 2 + rank, rank, sizes, 0, call.tensors[0].size, a) &&
              read_strides(call, 2 + 2 * rank, rank, sizes, 0, call.tensors[1].size, b),
          "the strides leave a or b");
  Walk walk;
  for (int axis = 0; axis < rank; axis++) walk.push(sizes[axis], a[axis], b[axis]);
  walk.finish();
  switch (call.number(0)) {
    case 0: binary_walk<Add>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 1: binary_walk<Sub>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 2: binary_walk<Mul>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 3: binary_walk<Div>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    default: return "no such op";
  }
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
