// Each new row goes to a column of its own, in place. Threads divide the width of the rows, not the rows: no two of them
// write one number, even where a caller names a column twice.
#include "store-columns.h"

namespace mossctl {
namespace MOSSCTL_ISA {

// Tensors: fresh [N, width], cache [C, width]. Numbers: N, C, width, then N columns of 0 … C; C stands for nowhere.
const char* store_columns(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count >= 3, "2 tensors and 3 numbers or more");
  const long n = call.number(0), capacity = call.number(1), width = call.number(2);
  REQUIRE(call.holds(0, n, width) && call.holds(1, capacity, width), "sizes of fresh or cache");
  REQUIRE(call.number_count == 3 + n, "a column for each row");
  for (long i = 0; i < n; i++) {
    const long column = call.number(3 + static_cast<int>(i));
    REQUIRE(column >= 0 && column <= capacity, "a column is not in the cache");
  }
  const float* fresh = call.floats(0);
  float* cache = call.floats(1);
  split_over(n * width, width, 16, [&](Range part, int) {
    for (long i = 0; i < n; i++) {
      const long column = call.number(3 + static_cast<int>(i));
      if (column == capacity) continue;
      memcpy(cache + column * width + part.begin, fresh + i * width + part.begin,
             static_cast<size_t>(part.end - part.begin) * sizeof(float));
    }
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
