// Rows of a table, and the sum of their gradients. Each thread adds up a strip of columns of its own, in the order of the
// ids: no two threads write one number, and the same ids give the same bits however many threads there are.
#include "embedding.h"

namespace mossctl {
namespace MOSSCTL_ISA {

// Tensors: table [V, d], ids int32 [N], y [N, d]. Numbers: V, d, N, halves (the table is of bf16, two to a place).
const char* embedding(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 4, "3 tensors and 4 numbers");
  const int64_t vocabulary = call.number(0), d = call.number(1), n = call.number(2);
  const bool halves = call.number(3) != 0;
  REQUIRE(!halves || d % 2 == 0, "d of a table of bf16 is even");
  REQUIRE(call.holds(0, vocabulary, halves ? d / 2 : d) && call.holds(1, n) && call.holds(2, n, d),
          "sizes of table, ids or y");
  const int64_t size = n * d;
  const int32_t* ids = call.integers(1);
  REQUIRE(all_within(ids, n, vocabulary), "an id is not in the table");
  if (size == 0) return nullptr;
  const float* table = call.floats(0);
  float* y = call.floats(2);
  split_over(size, n, 1, [&](Range rows, int) {
    for (int64_t i = rows.begin; i < rows.end; i++) {
      if (halves) {
        const half* row = reinterpret_cast<const half*>(table) + ids[i] * d;
        for (int64_t j = 0; j < d; j++) y[i * d + j] = to_float(row[j]);
      } else {
        memcpy(y + i * d, table + ids[i] * d, static_cast<size_t>(d) * sizeof(float));
      }
    }
  });
  return nullptr;
}

// Tensors: dy [N, d], ids int32 [N], dtable [V, d]. Numbers: V, d, N.
const char* embedding_grad(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 3, "3 tensors and 3 numbers");
  const int64_t vocabulary = call.number(0), d = call.number(1), n = call.number(2);
  REQUIRE(call.holds(0, n, d) && call.holds(1, n) && call.holds(2, vocabulary, d), "sizes of dy, ids or dtable");
  const int64_t size = vocabulary * d;
  const int32_t* ids = call.integers(1);
  REQUIRE(all_within(ids, n, vocabulary), "an id is not in the table");
  const float* dy = call.floats(0);
  float* table = call.floats(2);
  split_elements(size, [&](int64_t first, int64_t count) {
    memset(table + first, 0, static_cast<size_t>(count) * sizeof(float));
  });
  split_over(n * d, d, 16, [&](Range columns, int) {
    for (int64_t i = 0; i < n; i++) {
      const float* from = dy + i * d;
      float* to = table + ids[i] * d;
      int64_t j = columns.begin;
      for (; j + W <= columns.end; j += W) store(to + j, load(to + j) + load(from + j));
      for (; j < columns.end; j++) to[j] += from[j];
    }
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
