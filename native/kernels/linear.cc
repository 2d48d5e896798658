// y = x · Wᵀ (+ bias) (+ residual), W [out, in]. Some rows of x pass W a strip at a time; of many (training) both are
// packed in blocks. A row's bits are the same either way: sums run along the depth in the same blocks. W may lie as bf16,
// which is widened while it is packed: the numbers are then those of the floats that it stands for.
#include "linear.h"

#include "gemm.h"
#include "linear-strips.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

/** Up to so many rows, W is arranged a strip at a time, which is read by all rows at once; beyond, as training's products. */
constexpr int64_t some_rows = 64;

struct Sums {
  int64_t rows, columns;
  const float* x;
  float* y;
};

/** y[j] = Σ_i x[i, j], a strip of columns per thread. */
void column_sums(void* context, int thread) {
  const Sums& c = *static_cast<Sums*>(context);
  const Range part = share(c.columns, thread, Pool::instance().threads(), W);
  for (int64_t j = part.begin; j < part.end; j += W) {
    const int64_t width = smaller(W, part.end - j);
    vf total{};
    for (int64_t i = 0; i < c.rows; i++) {
      const float* p = c.x + i * c.columns + j;
      total += width == W ? load(p) : load_some(p, width);
    }
    store_some(c.y + j, total, width);
  }
}

/** Whether tensor i is a matrix [out, in] of floats, or of `halves`, two to a place. */
bool holds_matrix(const Call& call, int i, int64_t out, int64_t in, bool halves) {
  return halves ? in % 2 == 0 && call.holds(i, out, in / 2) : call.holds(i, out, in);
}

}  // namespace

// Tensors: x [n, in], w [out, in], (bias [out]), (residual [n, out]), y [n, out].
// Numbers: n, in, out, bias, residual, halves (w is of bf16, two to a place).
const char* linear(const Call& call) {
  REQUIRE(call.number_count == 6, "6 numbers");
  const int64_t n = call.number(0), in = call.number(1), out = call.number(2);
  const bool has_bias = call.number(3) != 0, has_residual = call.number(4) != 0, halves = call.number(5) != 0;
  REQUIRE(call.tensor_count == 3 + has_bias + has_residual, "x, w, bias?, residual?, y");
  const int last = call.tensor_count - 1;
  REQUIRE(call.holds(0, n, in) && holds_matrix(call, 1, out, in, halves) && call.holds(last, n, out),
          "sizes of x, w or y");
  REQUIRE(!has_bias || call.holds(2, out), "size of bias");
  REQUIRE(!has_residual || call.holds(last - 1, n, out), "size of residual");
  const float* x = call.floats(0);
  const View w{call.floats(1), 1, in, halves};
  const float* bias = has_bias ? call.floats(2) : nullptr;
  const float* residual = has_residual ? call.floats(last - 1) : nullptr;
  float* y = call.floats(last);
  if (n == 0 || out == 0) return nullptr;
  if (n <= some_rows) {
    const Strips strips{out, in, Held::floats, wanted_operands(), nullptr, w};
    const StripsOut to{bias, residual, y};
    multiply_by_strips(&strips, &to, 1, n, x);
  } else {
    Out to{y, out};
    to.bias = bias;
    to.residual = residual;
    gemm(n, out, in, {x, in, 1}, w, to);
  }
  return nullptr;
}

// Tensors: dy [n, out], x [n, in], w [out, in], (dx), (dw), (dbias [out]).
// Numbers: n, in, out, dx, dw, dbias (whether each is wanted), halves (w is of bf16, and has no gradient).
const char* linear_grad(const Call& call) {
  REQUIRE(call.number_count == 7, "7 numbers");
  const int64_t n = call.number(0), in = call.number(1), out = call.number(2);
  const bool has_dx = call.number(3) != 0, has_dw = call.number(4) != 0, has_bias = call.number(5) != 0;
  const bool halves = call.number(6) != 0;
  REQUIRE(!(halves && has_dw), "a matrix of bf16 has no gradient");
  REQUIRE(call.tensor_count == 3 + has_dx + has_dw + has_bias, "dy, x, w, dx?, dw?, dbias?");
  REQUIRE(call.holds(0, n, out) && call.holds(1, n, in) && holds_matrix(call, 2, out, in, halves), "sizes of dy, x or w");
  const float* dy = call.floats(0);
  int next = 3;
  if (has_dx) {
    REQUIRE(call.holds(next, n, in), "size of dx");
    gemm(n, in, out, {dy, out, 1}, {call.floats(2), in, 1, halves}, {call.floats(next++), in});
  }
  if (has_dw) {
    REQUIRE(call.holds(next, out, in), "size of dw");
    gemm(out, in, n, {dy, 1, out}, {call.floats(1), in, 1}, {call.floats(next++), in});
  }
  if (has_bias) {
    REQUIRE(call.holds(next, out), "size of dbias");
    Sums context{n, out, dy, call.floats(next)};
    Pool::instance().run(column_sums, &context, 4.0 * n * out);
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
