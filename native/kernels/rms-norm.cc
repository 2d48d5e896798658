// y = x · r · w with r = 1 / sqrt(mean(x²) + ε), a row at a time. Rows of up to 8 vectors (heads) stay in registers, and
// so does their part of the weights' gradient; longer ones are read twice, the second time from the first-level cache.
// Backward, with g = dy · w: dx = r · (g − x · r² · mean(g · x)), dw = Σ dy · x · r.
#include "rms-norm.h"

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace rms {

struct Job {
  int64_t rows, d;
  float epsilon;
  const float *dy, *x, *w;
  float *y, *dx;
};

static inline float inverse_root(const Job& c, float squares) {
  return 1.0f / __builtin_sqrtf(squares / static_cast<float>(c.d) + c.epsilon);
}

/** Rows of exactly K vectors. */
template <int K>
void forward_short(const Job& c, Range rows) {
  vf w[K];
  for (int k = 0; k < K; k++) w[k] = load(c.w + k * W);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const float* from = c.x + i * K * W;
    float* to = c.y + i * K * W;
    vf x[K], squares{};
    for (int k = 0; k < K; k++) {
      x[k] = load(from + k * W);
      squares += x[k] * x[k];
    }
    const vf r = splat(inverse_root(c, sum(squares)));
    for (int k = 0; k < K; k++) store(to + k * W, x[k] * r * w[k]);
  }
}

static void forward_long(const Job& c, Range rows) {
  const int64_t d = c.d, whole_vectors = d / W * W, rest = d - whole_vectors;
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const float* x = c.x + i * d;
    float* y = c.y + i * d;
    vf sums[4] = {};
    int64_t j = 0;
    for (; j + 4 * W <= d; j += 4 * W) {
      for (int k = 0; k < 4; k++) {
        const vf part = load(x + j + k * W);
        sums[k] += part * part;
      }
    }
    for (; j < whole_vectors; j += W) sums[0] += load(x + j) * load(x + j);
    const vf last = load_some(x + j, rest);
    sums[1] += last * last;
    const vf r = splat(inverse_root(c, sum(sums[0] + sums[1] + (sums[2] + sums[3]))));
    for (j = 0; j < whole_vectors; j += W) store(y + j, load(x + j) * r * load(c.w + j));
    store_some(y + j, last * r * load_some(c.w + j, rest), rest);
  }
}

/** Sums of this many rows are added up before they join the others: shorter chains, smaller rounding errors. */
constexpr int64_t rows_of_partial_sum = 256;

template <int K>
void backward_short(const Job& c, Range rows, float* dw) {
  vf w[K];
  for (int k = 0; k < K; k++) w[k] = load(c.w + k * W);
  const float share_of_one = 1.0f / static_cast<float>(c.d);
  for (int64_t first = rows.begin; first < rows.end; first += rows_of_partial_sum) {
    const int64_t end = smaller(rows.end, first + rows_of_partial_sum);
    vf totals[K] = {};
    for (int64_t i = first; i < end; i++) {
      const float* from = c.x + i * K * W;
      const float* slope = c.dy + i * K * W;
      float* to = c.dx + i * K * W;
      vf x[K], g[K], squares{}, dots{};
      for (int k = 0; k < K; k++) {
        x[k] = load(from + k * W);
        g[k] = load(slope + k * W) * w[k];
        squares += x[k] * x[k];
        dots += x[k] * g[k];
      }
      const float r = inverse_root(c, sum(squares));
      const vf pull = splat(r * sum(dots) * share_of_one * r);
      for (int k = 0; k < K; k++) {
        store(to + k * W, (g[k] - x[k] * pull) * r);
        totals[k] += load(slope + k * W) * (x[k] * r);
      }
    }
    for (int k = 0; k < K; k++) store(dw + k * W, load(dw + k * W) + totals[k]);
  }
}

static void backward_long(const Job& c, Range rows, float* dw) {
  const int64_t d = c.d, whole_vectors = d / W * W, rest = d - whole_vectors;
  const float share_of_one = 1.0f / static_cast<float>(d);
  for (int64_t i = rows.begin; i < rows.end; i++) {
    const float* x = c.x + i * d;
    const float* dy = c.dy + i * d;
    float* dx = c.dx + i * d;
    vf squares[2] = {}, dots[2] = {};
    int64_t j = 0;
    for (; j + 2 * W <= d; j += 2 * W) {
      for (int k = 0; k < 2; k++) {
        const vf part = load(x + j + k * W);
        squares[k] += part * part;
        dots[k] += part * (load(dy + j + k * W) * load(c.w + j + k * W));
      }
    }
    if (j < whole_vectors) {
      const vf part = load(x + j);
      squares[0] += part * part;
      dots[0] += part * (load(dy + j) * load(c.w + j));
      j += W;
    }
    const vf last_x = load_some(x + j, rest), last_dy = load_some(dy + j, rest);
    const vf last_g = last_dy * load_some(c.w + j, rest);
    const float r = inverse_root(c, sum(squares[0] + squares[1] + last_x * last_x));
    const vf pull = splat(r * sum(dots[0] + dots[1] + last_x * last_g) * share_of_one * r);
    for (j = 0; j < whole_vectors; j += W) {
      const vf part = load(x + j), slope = load(dy + j);
      store(dx + j, (slope * load(c.w + j) - part * pull) * r);
      store(dw + j, load(dw + j) + slope * (part * r));
    }
    store_some(dx + j, (last_g - last_x * pull) * r, rest);
    store_some(dw + j, load_some(dw + j, rest) + last_dy * (last_x * r), rest);
  }
}

template <int K>
void forward_rows(const Job& c, Range rows) {
  if constexpr (K == 0) {
    forward_long(c, rows);
  } else if (c.d == K * W) {
    forward_short<K>(c, rows);
  } else {
    forward_rows<K - 1>(c, rows);
  }
}

template <int K>
void backward_rows(const Job& c, Range rows, float* dw) {
  if constexpr (K == 0) {
    backward_long(c, rows, dw);
  } else if (c.d == K * W) {
    backward_short<K>(c, rows, dw);
  } else {
    backward_rows<K - 1>(c, rows, dw);
  }
}

}  // namespace rms

// Tensors: x [N, d], w [d], y [N, d]. Numbers: N, d, epsilon.
const char* rms_norm(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 3, "3 tensors and 3 numbers");
  rms::Job c{};
  c.rows = call.number(0);
  c.d = call.number(1);
  c.epsilon = static_cast<float>(call.numbers[2]);
  const int64_t size = product(c.rows, c.d);
  REQUIRE(size >= 0 && call.tensors[0].size == size && call.tensors[1].size == c.d && call.tensors[2].size == size,
          "sizes of x, w or y");
  c.x = call.floats(0);
  c.w = call.floats(1);
  c.y = call.floats(2);
  if (size == 0) return nullptr;
  split_over(size, c.rows, 1, [&](Range rows, int) { rms::forward_rows<8>(c, rows); });
  return nullptr;
}

// Tensors: dy [N, d], x [N, d], w [d], dx [N, d], dw [d]. Numbers: N, d, epsilon.
const char* rms_norm_grad(const Call& call) {
  REQUIRE(call.tensor_count == 5 && call.number_count == 3, "5 tensors and 3 numbers");
  rms::Job c{};
  c.rows = call.number(0);
  c.d = call.number(1);
  c.epsilon = static_cast<float>(call.numbers[2]);
  const int64_t size = product(c.rows, c.d);
  REQUIRE(size >= 0 && call.tensors[0].size == size && call.tensors[1].size == size && call.tensors[2].size == c.d &&
              call.tensors[3].size == size && call.tensors[4].size == c.d,
          "sizes of dy, x, w, dx or dw");
  c.dy = call.floats(0);
  c.x = call.floats(1);
  c.w = call.floats(2);
  c.dx = call.floats(3);
  float* dw = call.floats(4);
  if (c.d == 0) return nullptr;
  memset(dw, 0, static_cast<size_t>(c.d) * sizeof(float));
  // One sum of the weights' gradient per part of the rows, then added up in their order: no number of threads changes it.
  constexpr int64_t part = 16384, most_parts = 64;
  const int64_t parts = larger(1, smaller(smaller(c.rows, size / part), most_parts)), stride = ceil_div(c.d, 16) * 16;
  float* partial = shared_scratch(slot_partial, parts * stride);
  in_pieces(parts, 16.0 * size, [&](int64_t piece, int) {
    float* mine = partial + piece * stride;
    memset(mine, 0, static_cast<size_t>(c.d) * sizeof(float));
    rms::backward_rows<8>(c, share(c.rows, piece, parts), mine);
  });
  for (int64_t piece = 0; piece < parts; piece++) {
    for (int64_t j = 0; j < c.d; j++) dw[j] += partial[piece * stride + j];
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
