// y = x · Wᵀ (+ bias) (+ residual), W [out, in]. Some rows of x pass W a strip at a time; of many (training) both are
// packed in blocks. A row's bits are the same either way: sums run along the depth in the same blocks.
#include "linear.h"

#include "gemm.h"
#include "linear-strips.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

/** Up to so many rows, W is arranged a strip at a time, which is read by all rows at once; beyond, as training's products. */
constexpr long some_rows = 64;

struct Sums {
  long rows, columns;
  const float* x;
  float* y;
};

/** y[j] = Σ_i x[i, j], a strip of columns per thread. */
void column_sums(void* context, int thread) {
  const Sums& c = *static_cast<Sums*>(context);
  const Range part = share(c.columns, thread, Pool::instance().threads(), W);
  for (long j = part.begin; j < part.end; j += W) {
    const long width = smaller(W, part.end - j);
    vf total{};
    for (long i = 0; i < c.rows; i++) {
      const float* p = c.x + i * c.columns + j;
      total += width == W ? load(p) : load_some(p, width);
    }
    store_some(c.y + j, total, width);
  }
}

}  // namespace

// Tensors: x [n, in], w [out, in], (bias [out]), (residual [n, out]), y [n, out]. Numbers: n, in, out, bias, residual.
const char* linear(const Call& call) {
  REQUIRE(call.number_count == 5, "5 numbers");
  const long n = call.number(0), in = call.number(1), out = call.number(2);
  const bool has_bias = call.number(3) != 0, has_residual = call.number(4) != 0;
  REQUIRE(call.tensor_count == 3 + has_bias + has_residual, "x, w, bias?, residual?, y");
  const int last = call.tensor_count - 1;
  REQUIRE(call.holds(0, n, in) && call.holds(1, out, in) && call.holds(last, n, out), "sizes of x, w or y");
  REQUIRE(!has_bias || call.holds(2, out), "size of bias");
  REQUIRE(!has_residual || call.holds(last - 1, n, out), "size of residual");
  const float* x = call.floats(0);
  const float* w = call.floats(1);
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
    gemm(n, out, in, {x, in, 1}, {w, 1, in}, to);
  }
  return nullptr;
}

// Tensors: dy [n, out], x [n, in], w [out, in], dx, dw, (dbias [out]). Numbers: n, in, out, bias.
const char* linear_grad(const Call& call) {
  REQUIRE(call.number_count == 4, "4 numbers");
  const long n = call.number(0), in = call.number(1), out = call.number(2);
  const bool has_bias = call.number(3) != 0;
  REQUIRE(call.tensor_count == 5 + has_bias, "dy, x, w, dx, dw, dbias?");
  REQUIRE(call.holds(0, n, out) && call.holds(1, n, in) && call.holds(2, out, in) && call.holds(3, n, in) &&
              call.holds(4, out, in),
          "sizes of dy, x, w, dx or dw");
  REQUIRE(!has_bias || call.holds(5, out), "size of dbias");
  const float* dy = call.floats(0);
  gemm(n, in, out, {dy, out, 1}, {call.floats(2), in, 1}, {call.floats(3), in});
  gemm(out, in, n, {dy, 1, out}, {call.floats(1), in, 1}, {call.floats(4), in});
  if (has_bias) {
    Sums context{n, out, dy, call.floats(5)};
    Pool::instance().run(column_sums, &context, 4.0 * n * out);
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
