// y = x · Wᵀ (+ bias) (+ residual), W [out, in]. Three ways, by the number of rows of x:
// few (decoding): W is read once, as it lies, one dot product per row of x; some: yᵀ = W · xᵀ, so that only x is
// rearranged; many (training): y = x · Wᵀ with both packed.
#include "linear.h"

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

constexpr long few_rows = 4;
constexpr long some_rows = 64;

/** R rows of x against `count` rows of W, four at a time. */
template <int R>
void dot_products(const float* x, const float* w, long in, long out, long first, long last, const float* bias,
                  const float* residual, float* y) {
  constexpr int O = 4;
  for (long o = first; o < last; o += O) {
    const int count = static_cast<int>(smaller(O, last - o));
    const float* rows[O];
    for (int i = 0; i < O; i++) rows[i] = w + (o + (i < count ? i : 0)) * in;
    vf sums[O][R] = {};
    long k = 0;
    for (; k + W <= in; k += W) {
      for (int r = 0; r < R; r++) {
        const vf part = load(x + r * in + k);
        for (int i = 0; i < O; i++) sums[i][r] += part * load(rows[i] + k);
      }
    }
    if (k < in) {
      for (int r = 0; r < R; r++) {
        const vf part = load_some(x + r * in + k, in - k);
        for (int i = 0; i < O; i++) sums[i][r] += part * load_some(rows[i] + k, in - k);
      }
    }
    for (int i = 0; i < count; i++) {
      for (int r = 0; r < R; r++) {
        float result = sum(sums[i][r]);
        if (bias) result += bias[o + i];
        if (residual) result += residual[r * out + o + i];
        y[r * out + o + i] = result;
      }
    }
  }
}

struct Few {
  long n, in, out;
  const float *x, *w, *bias, *residual;
  float* y;
};

void few(void* context, int thread) {
  const Few& c = *static_cast<Few*>(context);
  const Range part = share(c.out, thread, Pool::instance().threads(), 4);
  const auto run = c.n == 1 ? dot_products<1> : c.n == 2 ? dot_products<2> : c.n == 3 ? dot_products<3> : dot_products<4>;
  if (c.n > 0) run(c.x, c.w, c.in, c.out, part.begin, part.end, c.bias, c.residual, c.y);
}

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
  if (n <= few_rows) {
    Few context{n, in, out, x, w, bias, residual, y};
    Pool::instance().run(few, &context, 4.0 * in * out);  // bound by reading w
  } else if (n <= some_rows) {
    Out to{y, 1, out};
    to.bias = bias;
    to.bias_on_rows = true;
    to.residual = residual;
    gemm(out, n, in, {w, in, 1}, {x, 1, in}, to);
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
