// A walk visits all indices of a shape in order, and with each the places of two operands. Axes that lie end to end in
// both are joined first, so that most calls come down to one or two axes and runs of consecutive elements.
#include "strided.h"

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strided {

constexpr int most_axes = 6;

struct Walk {
  int rank = 0;
  long sizes[most_axes], a[most_axes], b[most_axes];
  long count = 1;

  void push(long size, long a_stride, long b_stride) {
    count *= size;
    if (size == 1) return;
    if (rank > 0 && a[rank - 1] == a_stride * size && b[rank - 1] == b_stride * size) {
      rank--;
      size *= sizes[rank];
    }
    sizes[rank] = size;
    a[rank] = a_stride;
    b[rank] = b_stride;
    rank++;
  }
  /** Every walk has an axis. */
  void finish() {
    if (rank > 0) return;
    sizes[0] = a[0] = b[0] = 1;
    rank = 1;
  }
};

/** f(place in a, place in b, index, n, stride in a, stride in b) for every run of the last axis in `part`. */
template <typename F>
static inline void for_runs(const Walk& walk, Range part, const F& f) {
  const int last = walk.rank - 1;
  const long length = walk.sizes[last], a_step = walk.a[last], b_step = walk.b[last];
  long at[most_axes] = {}, a = 0, b = 0, rest = part.begin / length;
  for (int i = last - 1; i >= 0; i--) {
    at[i] = rest % walk.sizes[i];
    rest /= walk.sizes[i];
    a += at[i] * walk.a[i];
    b += at[i] * walk.b[i];
  }
  long skip = part.begin % length;
  for (long index = part.begin; index < part.end;) {
    const long n = smaller(length - skip, part.end - index);
    f(a + skip * a_step, b + skip * b_step, index, n, a_step, b_step);
    index += n;
    skip = 0;
    for (int i = last - 1; i >= 0; i--) {
      a += walk.a[i];
      b += walk.b[i];
      if (++at[i] < walk.sizes[i]) break;
      a -= at[i] * walk.a[i];
      b -= at[i] * walk.b[i];
      at[i] = 0;
    }
  }
}

/** Rank and sizes at number `i` of the call; the count of elements, or −1. */
static long read_shape(const Call& call, int i, int& rank, long* sizes) {
  rank = i < call.number_count ? static_cast<int>(smaller(whole(call, i), most_axes + 1)) : -1;
  if (rank < 0 || rank > most_axes || i + 1 + rank > call.number_count) return -1;
  long count = 1, at_least = 1;  // an empty axis must not hide that the others are too large
  for (int axis = 0; axis < rank; axis++) {
    sizes[axis] = whole(call, i + 1 + axis);
    at_least = product(at_least, larger(sizes[axis], 1));
    count = at_least < 0 ? -1 : product(count, sizes[axis]);
  }
  return at_least > (1L << 40) ? -1 : count;
}

/** Reads `rank` strides at number `i` and says whether offset + Σ (size − 1) · stride lies inside `limit` elements. */
static bool read_strides(const Call& call, int i, int rank, const long* sizes, long offset, long limit, long* strides) {
  long top = offset;
  for (int axis = 0; axis < rank; axis++) {
    strides[axis] = whole(call, i + axis);
    const long reach = product(strides[axis], larger(sizes[axis] - 1, 0));
    if (reach < 0 || __builtin_add_overflow(top, reach, &top)) return false;
    if (sizes[axis] <= 1) strides[axis] = 0;
  }
  return offset >= 0 && top < limit;
}

/** Whether no two indices share a place: every stride is longer than all that the smaller ones reach. */
static bool distinct(int rank, const long* sizes, const long* strides) {
  long reach = 0, below = 0;
  for (int done = 0; done < rank; done++) {
    int next = -1;
    for (int axis = 0; axis < rank; axis++) {
      if (sizes[axis] > 1 && strides[axis] > below && (next < 0 || strides[axis] < strides[next])) next = axis;
    }
    if (next < 0) break;
    if (strides[next] <= reach) return false;
    below = strides[next];
    reach += (sizes[next] - 1) * strides[next];
    for (int axis = 0; axis < rank; axis++) {
      if (axis != next && sizes[axis] > 1 && strides[axis] == below) return false;
    }
  }
  for (int axis = 0; axis < rank; axis++) {
    if (sizes[axis] > 1 && strides[axis] == 0) return false;
  }
  return true;
}

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
static inline void binary_run(const float* a, long a_step, const float* b, long b_step, float* y, long n) {
  long i = 0;
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
  split_over(threads_for(walk.count), walk.count, 16, [&](Range part, int) {
    for_runs(walk, part, [&](long i, long j, long index, long n, long a_step, long b_step) {
      binary_run<Op>(a + i, a_step, b + j, b_step, y + index, n);
    });
  });
}

/** Rows or elements whose sum is taken by itself: fixed, so that sums do not depend on the thread count. */
constexpr long rows_of_chunk = 256, chunk = 16384;

static double add_up(const float* x, long n) {
  return sum_double(x, n, [](auto value) { return value; });
}

static void sum_all(const float* x, long n, float* y) {
  const long chunks = ceil_div(n, chunk);
  double* partial = reinterpret_cast<double*>(shared_scratch(slot_partial, 2 * chunks));
  split_over(threads_for(n), chunks, 1, [&](Range part, int) {
    for (long c = part.begin; c < part.end; c++) partial[c] = add_up(x + c * chunk, smaller(chunk, n - c * chunk));
  });
  double total = 0;
  for (long c = 0; c < chunks; c++) total += partial[c];
  y[0] = static_cast<float>(total);
}

/** to[j] = Σ_i x[i, j] for n ≤ 8·W columns. */
static void add_columns(const float* x, long rows, long columns, long n, float* to) {
  vf sums[8] = {};
  if (n == 8 * W) {
    for (long i = 0; i < rows; i++) {
      for (int k = 0; k < 8; k++) sums[k] += load(x + i * columns + k * W);
    }
    for (int k = 0; k < 8; k++) store(to + k * W, sums[k]);
    return;
  }
  for (long j = 0; j < n; j += W) {
    const long width = smaller(W, n - j);
    vf total{};
    for (long i = 0; i < rows; i++) {
      const float* from = x + i * columns + j;
      total += width == W ? load(from) : load_some(from, width);
    }
    store_some(to + j, total, width);
  }
}

/** y[j] = Σ_i x[i, j]: tiles of some rows by some columns, whose sums are then added up in double precision. */
static void sum_rows(const float* x, long rows, long columns, float* y) {
  const long strip = 8 * W, strips = ceil_div(columns, strip), chunks = ceil_div(rows, rows_of_chunk);
  float* partial = chunks == 1 ? y : shared_scratch(slot_partial, chunks * columns);
  split_over(threads_for(rows * columns), chunks * strips, 1, [&](Range part, int) {
    for (long tile = part.begin; tile < part.end; tile++) {
      const long i = tile / strips * rows_of_chunk, j = tile % strips * strip;
      add_columns(x + i * columns + j, smaller(rows_of_chunk, rows - i), columns, smaller(strip, columns - j),
                  partial + tile / strips * columns + j);
    }
  });
  if (chunks == 1) return;
  for (long j = 0; j < columns; j++) {
    double total = 0;
    for (long c = 0; c < chunks; c++) total += static_cast<double>(partial[c * columns + j]);
    y[j] = static_cast<float>(total);
  }
}

/** Any other pattern of axes. Threads take parts of the first axis, where that is kept; otherwise there is one. */
static void sum_walk(const Walk& walk, const float* x, float* y) {
  const bool kept = walk.b[0] != 0;
  const long each = walk.count / walk.sizes[0];
  split_over(kept ? threads_for(walk.count) : 1, walk.sizes[0], 1, [&](Range part, int) {
    for_runs(walk, {part.begin * each, part.end * each}, [&](long i, long j, long, long n, long, long y_step) {
      if (y_step == 0) {
        y[j] += static_cast<float>(add_up(x + i, n));
        return;
      }
      for (long k = 0; k < n; k++) y[j + k * y_step] += x[i + k];
    });
  });
}

static void copy_run(const int32_t* x, long x_step, int32_t* y, long y_step, long n) {
  if (x_step == 1 && y_step == 1) {
    memcpy(y, x, static_cast<size_t>(n) * sizeof(int32_t));
  } else {
    for (long i = 0; i < n; i++) y[i * y_step] = x[i * x_step];
  }
}

}  // namespace strided

// Tensors: a, b, y. Numbers: op, rank, sizes of y, strides of a, strides of b (0: the same element for all).
// Ops: 0 add, 1 sub, 2 mul, 3 div.
const char* binary(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 3 && call.number_count >= 2, "3 tensors and at least 2 numbers");
  int rank;
  long sizes[most_axes], a[most_axes], b[most_axes];
  const long count = read_shape(call, 1, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 2 + 3 * rank, "op, rank, sizes and strides");
  REQUIRE(call.tensors[2].size == count, "size of y");
  if (count == 0) return nullptr;
  REQUIRE(read_strides(call, 2 + rank, rank, sizes, 0, call.tensors[0].size, a) &&
              read_strides(call, 2 + 2 * rank, rank, sizes, 0, call.tensors[1].size, b),
          "the strides leave a or b");
  Walk walk;
  for (int axis = 0; axis < rank; axis++) walk.push(sizes[axis], a[axis], b[axis]);
  walk.finish();
  switch (whole(call, 0)) {
    case 0: binary_walk<Add>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 1: binary_walk<Sub>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 2: binary_walk<Mul>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    case 3: binary_walk<Div>(walk, call.floats(0), call.floats(1), call.floats(2)); return nullptr;
    default: return "no such op";
  }
}

// Tensors: x, y. Numbers: rank, sizes of x, strides of y (0 on the axes that are summed).
const char* sum_axes(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 2, "2 tensors");
  int rank;
  long sizes[most_axes], x_strides[most_axes], strides[most_axes];
  const long count = read_shape(call, 0, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 1 + 2 * rank, "rank, sizes and strides");
  REQUIRE(call.tensors[0].size == count, "size of x");
  const long y_size = call.tensors[1].size;
  REQUIRE(count == 0 || read_strides(call, 1 + rank, rank, sizes, 0, y_size, strides), "the strides leave y");
  const float* x = call.floats(0);
  float* y = call.floats(1);
  if (y_size > 0) memset(y, 0, static_cast<size_t>(y_size) * sizeof(float));
  if (count == 0) return nullptr;
  int kept = 0;
  long kept_sizes[most_axes], kept_strides[most_axes];
  long x_stride = 1;
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

// Tensors: x, y, of 4 bytes an element. Numbers: rank, sizes, offset in x, strides of x, offset in y, strides of y.
const char* copy(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 2, "2 tensors");
  int rank;
  long sizes[most_axes], x_strides[most_axes], y_strides[most_axes];
  const long count = read_shape(call, 0, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 3 + 3 * rank, "rank, sizes, offsets and strides");
  if (count == 0) return nullptr;
  const long x_offset = whole(call, 1 + rank), y_offset = whole(call, 2 + 2 * rank);
  REQUIRE(read_strides(call, 2 + rank, rank, sizes, x_offset, call.tensors[0].size, x_strides) &&
              read_strides(call, 3 + 2 * rank, rank, sizes, y_offset, call.tensors[1].size, y_strides),
          "the strides leave x or y");
  REQUIRE(distinct(rank, sizes, y_strides), "y overlaps itself");
  const int32_t* x = call.integers(0) + x_offset;
  int32_t* y = static_cast<int32_t*>(call.tensors[1].data) + y_offset;
  Walk walk;
  for (int axis = 0; axis < rank; axis++) walk.push(sizes[axis], x_strides[axis], y_strides[axis]);
  walk.finish();
  long x_reach = 1, y_reach = 1;
  for (int axis = 0; axis < walk.rank; axis++) {
    x_reach += (walk.sizes[axis] - 1) * walk.a[axis];
    y_reach += (walk.sizes[axis] - 1) * walk.b[axis];
  }
  REQUIRE(x + x_reach <= y || y + y_reach <= x, "x and y overlap");
  split_over(threads_for(count), count, 16, [&](Range part, int) {
    for_runs(walk, part, [&](long i, long j, long, long n, long x_step, long y_step) {
      copy_run(x + i, x_step, y + j, y_step, n);
    });
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
