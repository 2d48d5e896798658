// Slices, concatenations, tilings and transposes are all one copy between two sets of strides.
#include "copy.h"

#include "strided.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strided {

static void copy_run(const int32_t* x, int64_t x_step, int32_t* y, int64_t y_step, int64_t n) {
  if (x_step == 1 && y_step == 1) {
    memcpy(y, x, static_cast<size_t>(n) * sizeof(int32_t));
  } else {
    for (int64_t i = 0; i < n; i++) y[i * y_step] = x[i * x_step];
  }
}

/** The axis along which the operand with these strides is contiguous; −1: none that is worth it. */
static int contiguous_axis(const Walk& walk, const int64_t* strides) {
  for (int axis = 0; axis < walk.rank; axis++) {
    if (strides[axis] == 1 && walk.sizes[axis] >= 8) return axis;
  }
  return -1;
}

/** W by W elements: the rows of x become the columns of y. */
static void copy_tile(const int32_t* x, int64_t x_step, int32_t* y, int64_t y_step) {
  vf rows[W];
  for (int64_t i = 0; i < W; i++) rows[i] = load(reinterpret_cast<const float*>(x + i * x_step));
  transpose(rows);
  for (int64_t i = 0; i < W; i++) store(reinterpret_cast<float*>(y + i * y_step), rows[i]);
}

/** x is contiguous along one axis and y along another: square tiles, so that whole cache lines are read and written. */
static void copy_tiles(const Walk& walk, int x_axis, int y_axis, const int32_t* x, int32_t* y) {
  const int64_t width = walk.sizes[x_axis], height = walk.sizes[y_axis];
  const int64_t x_step = walk.a[y_axis], y_step = walk.b[x_axis];
  const int64_t strips = ceil_div(width, W);
  Walk others;
  for (int axis = 0; axis < walk.rank; axis++) {
    if (axis != x_axis && axis != y_axis) others.push(walk.sizes[axis], walk.a[axis], walk.b[axis]);
  }
  others.finish();
  split_over(walk.count, others.count * strips, 1, [&](Range part, int) {
    for (int64_t strip = part.begin; strip < part.end; strip++) {
      const int64_t plane = strip / strips, j = strip % strips * W, columns = smaller(W, width - j);
      for_runs(others, {plane, plane + 1}, [&](int64_t from, int64_t to, int64_t, int64_t, int64_t, int64_t) {
        for (int64_t i = 0; i < height; i += W) {
          const int64_t rows = smaller(W, height - i);
          const int32_t* source = x + from + i * x_step + j;
          int32_t* target = y + to + j * y_step + i;
          if (rows == W && columns == W) {
            copy_tile(source, x_step, target, y_step);
            continue;
          }
          for (int64_t r = 0; r < rows; r++) {
            for (int64_t c = 0; c < columns; c++) target[c * y_step + r] = source[r * x_step + c];
          }
        }
      });
    }
  });
}

}  // namespace strided

// Tensors: x, y, of 4 bytes an element. Numbers: rank, sizes, offset in x, strides of x, offset in y, strides of y.
const char* copy(const Call& call) {
  using namespace strided;
  REQUIRE(call.tensor_count == 2, "2 tensors");
  int rank;
  int64_t sizes[most_axes], x_strides[most_axes], y_strides[most_axes];
  const int64_t count = read_shape(call, 0, rank, sizes);
  REQUIRE(count >= 0 && call.number_count == 3 + 3 * rank, "rank, sizes, offsets and strides");
  if (count == 0) return nullptr;
  const int64_t x_offset = call.number(1 + rank), y_offset = call.number(2 + 2 * rank);
  REQUIRE(read_strides(call, 2 + rank, rank, sizes, x_offset, call.tensors[0].size, x_strides) &&
              read_strides(call, 3 + 2 * rank, rank, sizes, y_offset, call.tensors[1].size, y_strides),
          "the strides leave x or y");
  REQUIRE(distinct(rank, sizes, y_strides), "y overlaps itself");
  const int32_t* x = call.integers(0) + x_offset;
  int32_t* y = static_cast<int32_t*>(call.tensors[1].data) + y_offset;
  Walk walk;
  for (int axis = 0; axis < rank; axis++) walk.push(sizes[axis], x_strides[axis], y_strides[axis]);
  walk.finish();
  int64_t x_reach = 1, y_reach = 1;
  for (int axis = 0; axis < walk.rank; axis++) {
    x_reach += (walk.sizes[axis] - 1) * walk.a[axis];
    y_reach += (walk.sizes[axis] - 1) * walk.b[axis];
  }
  REQUIRE(x + x_reach <= y || y + y_reach <= x, "x and y overlap");
  const int x_axis = contiguous_axis(walk, walk.a), y_axis = contiguous_axis(walk, walk.b);
  if (x_axis >= 0 && y_axis >= 0 && x_axis != y_axis) {
    copy_tiles(walk, x_axis, y_axis, x, y);
    return nullptr;
  }
  split_over(count, count, 16, [&](Range part, int) {
    for_runs(walk, part, [&](int64_t i, int64_t j, int64_t, int64_t n, int64_t x_step, int64_t y_step) {
      copy_run(x + i, x_step, y + j, y_step, n);
    });
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
