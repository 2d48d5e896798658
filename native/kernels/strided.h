// Tensors of up to six axes given by their strides. A walk visits all indices of a shape in order, and with each the
// places of two operands. Axes that lie end to end in both are joined first, so that most calls come down to one or two
// axes and runs of consecutive elements.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strided {

constexpr int most_axes = 6;

struct Walk {
  int rank = 0;
  int64_t sizes[most_axes], a[most_axes], b[most_axes];
  int64_t count = 1;

  void push(int64_t size, int64_t a_stride, int64_t b_stride) {
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
  const int64_t length = walk.sizes[last], a_step = walk.a[last], b_step = walk.b[last];
  int64_t at[most_axes] = {}, a = 0, b = 0, rest = part.begin / length;
  for (int i = last - 1; i >= 0; i--) {
    at[i] = rest % walk.sizes[i];
    rest /= walk.sizes[i];
    a += at[i] * walk.a[i];
    b += at[i] * walk.b[i];
  }
  int64_t skip = part.begin % length;
  for (int64_t index = part.begin; index < part.end;) {
    const int64_t n = smaller(length - skip, part.end - index);
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
static inline int64_t read_shape(const Call& call, int i, int& rank, int64_t* sizes) {
  rank = i < call.number_count ? static_cast<int>(smaller(call.number(i), most_axes + 1)) : -1;
  if (rank < 0 || rank > most_axes || i + 1 + rank > call.number_count) return -1;
  int64_t count = 1, at_least = 1;  // an empty axis must not hide that the others are too large
  for (int axis = 0; axis < rank; axis++) {
    sizes[axis] = call.number(i + 1 + axis);
    at_least = product(at_least, larger(sizes[axis], 1));
    count = at_least < 0 ? -1 : product(count, sizes[axis]);
  }
  return at_least > (int64_t{1} << 40) ? -1 : count;
}

/** Reads `rank` strides at number `i` and says whether offset + Σ (size − 1) · stride lies inside `limit` elements. */
static inline bool read_strides(const Call& call, int i, int rank, const int64_t* sizes, int64_t offset, int64_t limit, int64_t* strides) {
  int64_t top = offset;
  for (int axis = 0; axis < rank; axis++) {
    strides[axis] = call.number(i + axis);
    const int64_t reach = product(strides[axis], larger(sizes[axis] - 1, 0));
    if (reach < 0 || __builtin_add_overflow(top, reach, &top)) return false;
    if (sizes[axis] <= 1) strides[axis] = 0;
  }
  return offset >= 0 && top < limit;
}

/** Whether no two indices share a place: every stride is longer than all that the shorter ones reach. */
static inline bool distinct(int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t before = -1, reach = 0;
  for (;;) {
    int next = -1;  // the axis with the shortest stride of those longer than `before`
    for (int axis = 0; axis < rank; axis++) {
      if (sizes[axis] <= 1 || strides[axis] <= before) continue;
      if (next >= 0 && strides[axis] == strides[next]) return false;
      if (next < 0 || strides[axis] < strides[next]) next = axis;
    }
    if (next < 0) return true;
    before = strides[next];
    if (before <= reach) return false;
    reach += (sizes[next] - 1) * before;
  }
}

}  // namespace strided

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
