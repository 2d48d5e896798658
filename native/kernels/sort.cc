// A vector in ascending order, by one thread: it holds a number per answer of a batch. Equal elements keep their order,
// and what is no number comes last.
#include "sort.h"

#include <math.h>

#include <algorithm>

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

/** Places are kept as floats, which hold whole numbers up to here exactly. */
constexpr int64_t most_places = 1l << 24;

}  // namespace

// Tensors: x [n], sorted [n], places [n]. Numbers: n.
const char* sort(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 1, "3 tensors and 1 number");
  const int64_t n = call.number(0);
  REQUIRE(n <= most_places && call.holds(0, n) && call.holds(1, n) && call.holds(2, n), "sizes of x, sorted or places");
  const float* x = call.floats(0);
  float *sorted = call.floats(1), *places = call.floats(2);
  for (int64_t i = 0; i < n; i++) places[i] = static_cast<float>(i);
  std::stable_sort(places, places + n, [x](float a, float b) {
    const float left = x[static_cast<int64_t>(a)], right = x[static_cast<int64_t>(b)];
    return left < right || (isnan(right) && !isnan(left));
  });
  for (int64_t i = 0; i < n; i++) sorted[i] = x[static_cast<int64_t>(places[i])];
  return nullptr;
}

// Tensors: dy [n], places [n], dx [n]. Numbers: n.
const char* sort_grad(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 1, "3 tensors and 1 number");
  const int64_t n = call.number(0);
  REQUIRE(call.holds(0, n) && call.holds(1, n) && call.holds(2, n), "sizes of dy, places or dx");
  const float *dy = call.floats(0), *places = call.floats(1);
  float* dx = call.floats(2);
  for (int64_t i = 0; i < n; i++) {
    REQUIRE(places[i] >= 0 && places[i] < static_cast<float>(n), "a place outside the vector");
    dx[static_cast<int64_t>(places[i])] = dy[i];
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
