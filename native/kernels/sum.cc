#include "sum.h"

#include "gemm.h"
#include "strided.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strided {

/** Rows or elements whose sum is taken by itself: fixed, so that sums do not depend on the thread count. */
constexpr int64_t rows_of_chunk = 256, chunk = 16384;

static double add_up(const float* x, int64_t n) {
  if (n >= 32 * W) return sum_double(x, n, [](auto value) { return value; });
  vf sums[2] = {};  // too short to lose anything that matters
  int64_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    sums[0] += load(x + i);
    sums[1] += load(x + i + W);
  }
  double rest = static_cast<double>(sum(sums[0] + sums[1]));
  for (; i < n; i++) rest += static_cast<double>(x[i]);
  return rest;
}

static void sum_all(const float* x, int64_t n, float* y) {
  const int64_t chunks = ceil_div(n, chunk);
  double* partial = reinterpret_cast<double*>(shared_scratch(slot_partial, 2 * chunks));
  split_over(n, chunks, 1, [&](Range part, int) {
    for (int64_t c = part.begin; c < part.end; c++) partial[c] = add_up(x + c * chunk, smaller(chunk, n - c * chunk));
  });
  double total = 0;
  for (int64_t c = 0; c < chunks; c++) total += partial[c];
  y[0] = static_cast<float>(total);
}

/** to[j] = Σ_i x[i, j] for K vectors of columns. */
template <int K>
void add_columns(const float* x, int64_t rows, int64_t columns, float* to) {
  vf sums[K] = {};
  for (int64_t i = 0; i < rows; i++) {
    for (int k = 0; k < K; k++) sums[k] += load(x + i * columns + k * W);
  }
  for (int k = 0; k < K; k++) store(to + k * W, sums[k]);
}

/** The same for n ≤ 8·W columns. */
static void add_strip(const float* x, int64_t rows, int64_t columns, int64_t n, float* to) {
  int64_t j = 0;
  if (n == 8 * W) return add_columns<8>(x, rows, columns, to);
  if (n >= 4 * W) {
    add_columns<4>(x, rows, columns, to);
    j = 4 * W;
  }
  if (n - j >= 2 * W) {
    add_columns<2>(x + j, rows, columns, to + j);
    j += 2 * W;
  }
  if (n - j >= W) {
    add_columns<1>(x + j, rows, columns, to + j);
    j += W;
  }
  for (; j < n; j++) {
    float total = 0;
    for (int64_t i = 0; i < rows; i++) total += x[i * columns + j];
    to[j] = total;
  }
}

/** y[j] = Σ_i x[i, j]: tiles of some rows by some columns, whose sums are then added up in double precision. */
static void sum_rows(const float* x, int64_t rows, int64_t columns, float* y) {
  const int64_t strip = 8 * W, strips = ceil_div(columns, strip), chunks = ceil_div(rows, rows_of_chunk);
  float* partial = chunks == 1 ? y : shared_scratch(slot_partial, chunks * columns);
  split_over(rows * columns, chunks * strips, 1, [&](Range part, int) {
    for (int64_t tile = part.begin; tile < part.end; tile++) {
      const int64_t i = tile / strips * rows_of_chunk, j = tile % strips * strip;
      add_strip(x + i * columns + j, smaller(rows_of_chunk, rows - i), columns, smaller(strip, columns - j),
                  partial + tile / strips * columns + j);
    }
  });
  if (chunks == 1) return;
  for (int64_t j = 0; j < columns; j++) {
    double total = 0;
    for (int64_t c = 0; c < chunks; c++) total += static_cast<double>(partial[c * columns + j]);
    y[j] = static_cast<float>(total);
  }
}

/** Any other pattern of axes. Threads take parts of the first axis, where that is kept; otherwise there is one. */
static void sum_walk(const Walk& walk, const float* x, float* y) {
  const bool kept = walk.b[0] != 0;
  const int64_t each = walk.count / walk.sizes[0];
  split_over(walk.count, walk.sizes[0], kept ? 1 : walk.sizes[0], [&](Range part, int) {
    for_runs(walk, {part.begin * each, part.end * each}, [&](int64_t i, int64_t j, int64_t, int64_t n, int64_t, int64_t y_step) {
      if (y_step == 0) {
        y[j] += static_cast<float>(add_up(x + i, n));
        return;
      }
      for (int64_t k = 0; k < n; k++) y[j + k * y_step] += x[i + k];
    });
  });
}

}  // namespace strided

// Tensors: x, y. Numbers: rank, sizes of x, strides of y (0 on the axes that are summed).
const char* sum_axes(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 2, "2 tensors");
  int rank;
  int64_t sizes[most_axes], x_strides[most_axes], strides[most_axes];
  const int64_t count = read_shape(call, 0, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 1 + 2 * rank, "rank, sizes and strides");
  REQUIRE(call.tensors[0].size == count, "size of x");
  const int64_t y_size = call.tensors[1].size;
  REQUIRE(count == 0 || read_strides(call, 1 + rank, rank, sizes, 0, y_size, strides), "the strides leave y");
  const float* x = call.floats(0);
  float* y = call.floats(1);
  if (y_size > 0) memset(y, 0, static_cast<size_t>(y_size) * sizeof(float));
  if (count == 0) return nullptr;
  int kept = 0;
  int64_t kept_sizes[most_axes], kept_strides[most_axes];
  int64_t x_stride = 1;
  for (int axis = rank - 1; axis >= 0; axis--) {
    x_strides[axis] = x_stride;
    x_stride *= sizes[axis];
    if (strides[axis] == 0) continue;
    kept_sizes[kept] = sizes[axis];
    kept_strides[kept++] = strides[axis];
  }
  REQUIRE(distinct(kept, kept_sizes, kept_strides), "y overlaps itself");
  Walk walk;
  for (int axis = 0; axis < rank; axis++) walk.push(sizes[axis], x_strides[axis], strides[axis]);
  walk.finish();
  const bool last_summed = walk.b[walk.rank - 1] == 0;
  if (walk.rank == 1 && last_summed) {
    sum_all(x, count, y);
  } else if (walk.rank == 2 && walk.b[0] == 0 && walk.b[1] == 1) {
    sum_rows(x, walk.sizes[0], walk.sizes[1], y);
  } else {
    sum_walk(walk, x, y);
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
