// Dimension i of a head turns together with i + D/2 by the angle position · θ^(−2i/D), or back by it. Cosines and sines
// are computed once, in double precision, and kept; a thread turns whole rows (all heads of a position).
#include "rotary.h"

#include <math.h>
#include <stdlib.h>

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace turning {

constexpr long most_positions = 1L << 24;
/** Floats in a table: positions beyond it have their angles computed at each call. */
constexpr long most_floats = 1L << 24;

/** Row p: the cosines of position p, then its sines. */
struct Table {
  double theta;
  long half, rows, used;
  float* data;
};

static void fill_row(const Table& t, long position, float* row) {
  for (long i = 0; i < t.half; i++) {
    const double angle =
        static_cast<double>(position) * pow(t.theta, -static_cast<double>(i) / static_cast<double>(t.half));
    row[i] = static_cast<float>(cos(angle));
    row[t.half + i] = static_cast<float>(sin(angle));
  }
}

/** The table of (theta, D/2), with rows for at least `positions` positions, or as many as fit it. */
static const Table* table_for(double theta, long half, long positions) {
  static Table tables[4];  // the one used longest ago makes room
  static long uses = 0;
  Table* table = &tables[0];
  for (Table& t : tables) {
    if (t.data != nullptr && t.theta == theta && t.half == half) {
      table = &t;
      break;
    }
    if (t.used < table->used) table = &t;
  }
  table->used = ++uses;
  if (table->data != nullptr && (table->theta != theta || table->half != half)) {
    free(table->data);
    table->data = nullptr;
    table->rows = 0;
  }
  table->theta = theta;
  table->half = half;
  const long most = larger(1, most_floats / (2 * half));
  positions = smaller(positions, most);
  if (positions <= table->rows) return table;
  const long rows = smaller(most, larger(larger(positions, 2 * table->rows), 64));
  void* data = realloc(table->data, static_cast<size_t>(rows * 2 * half) * sizeof(float));
  if (data == nullptr) return nullptr;
  table->data = static_cast<float*>(data);
  for (long p = table->rows; p < rows; p++) fill_row(*table, p, table->data + p * 2 * half);
  table->rows = rows;
  return table;
}

/** All heads of one position; sign −1 turns back. */
static inline void turn(const float* x, float* y, long heads, long half, const float* row, float sign) {
  const float* cosines = row;
  const float* sines = row + half;
  for (long h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
    long i = 0;
    for (; i + W <= half; i += W) {
      const vf c = load(cosines + i), s = load(sines + i) * sign;
      const vf first = load(x + i), second = load(x + half + i);
      store(y + i, first * c - second * s);
      store(y + half + i, second * c + first * s);
    }
    for (; i < half; i++) {
      const float c = cosines[i], s = sines[i] * sign;
      const float first = x[i], second = x[half + i];
      y[i] = first * c - second * s;
      y[half + i] = second * c + first * s;
    }
  }
}

}  // namespace turning

// Tensors: x [N, H, D], positions int32 [N], y [N, H, D]. Numbers: N, H, D, theta, direction (1 forward, −1 backward).
const char* rotary(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count == 5, "3 tensors and 5 numbers");
  const long n = call.number(0), heads = call.number(1), d = call.number(2);
  const double theta = call.numbers[3];
  const float sign = call.numbers[4] < 0 ? -1.0f : 1.0f;
  const long width = product(heads, d), size = product(n, width);
  REQUIRE(size >= 0 && d % 2 == 0 && d <= turning::most_floats, "N, H or D");
  REQUIRE(theta > 0 && theta < INFINITY, "theta must be positive");
  REQUIRE(call.tensors[0].size == size && call.tensors[1].size == n && call.tensors[2].size == size,
          "sizes of x, positions or y");
  const int32_t* positions = call.integers(1);
  const auto [least, most] = extremes(positions, n);
  REQUIRE(least >= 0 && most < turning::most_positions, "a position is not in 0 … 2^24 − 1");
  if (size == 0) return nullptr;
  const long half = d / 2;
  const turning::Table* table = turning::table_for(theta, half, most + 1L);
  REQUIRE(table != nullptr, "out of memory");
  const int threads = threads_for(size);
  float* beyond = most < table->rows ? nullptr : shared_scratch(slot_partial, threads * d);
  const float* x = call.floats(0);
  float* y = call.floats(2);
  split_over(threads, n, 1, [&](Range rows, int thread) {
    for (long i = rows.begin; i < rows.end; i++) {
      const long p = positions[i];
      const float* row = table->data + p * d;
      if (p >= table->rows) {
        row = beyond + thread * d;
        turning::fill_row(*table, p, beyond + thread * d);
      }
      turning::turn(x + i * width, y + i * width, heads, half, row, sign);
    }
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
