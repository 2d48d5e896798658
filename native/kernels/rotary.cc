// Dimension i of a head turns together with i + D/2 by the angle position · frequency i, or back by it, and is scaled.
// Cosines and sines are computed once, in double precision, and kept; a thread turns whole rows (all heads of a position).
#include "rotary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace turning {

constexpr int64_t most_positions = int64_t{1} << 24;
/** Radians a position; also of the scale. Beyond it lie only mistakes. */
constexpr double most_frequency = 1e9;
/** Floats in a table: positions beyond it have their angles computed at each call. */
constexpr int64_t most_floats = int64_t{1} << 24;

/** Row p: the cosines of position p, then its sines, all times `scale`. */
struct Table {
  double scale;
  double* frequencies;
  int64_t half, rows, used;
  float* data;

  bool holds(const double* wanted, int64_t count, double factor) const {
    const size_t bytes = static_cast<size_t>(count) * sizeof(double);
    return half == count && scale == factor && memcmp(frequencies, wanted, bytes) == 0;
  }
};

static void fill_row(const Table& t, int64_t position, float* row) {
  for (int64_t i = 0; i < t.half; i++) {
    const double angle = static_cast<double>(position) * t.frequencies[i];
    row[i] = static_cast<float>(t.scale * cos(angle));
    row[t.half + i] = static_cast<float>(t.scale * sin(angle));
  }
}

/** Makes it the empty table of other frequencies; false where memory is out. */
static bool become(Table& t, const double* frequencies, int64_t half, double scale) {
  free(t.data);
  free(t.frequencies);
  t = {scale, static_cast<double*>(malloc(static_cast<size_t>(half) * sizeof(double))), 0, 0, t.used, nullptr};
  if (t.frequencies == nullptr) return false;
  memcpy(t.frequencies, frequencies, static_cast<size_t>(half) * sizeof(double));
  t.half = half;
  return true;
}

/** The table of these frequencies, with rows for at least `positions` positions, or as many as fit it. */
static const Table* table_for(const double* frequencies, int64_t half, double scale, int64_t positions) {
  static Table of_courses[Pool::most_courses][4];  // the one used longest ago makes room
  static int64_t all_uses[Pool::most_courses];
  Table(&tables)[4] = of_courses[Pool::course()];
  int64_t& uses = all_uses[Pool::course()];
  Table* table = &tables[0];
  for (Table& t : tables) {
    if (t.holds(frequencies, half, scale)) {
      table = &t;
      break;
    }
    if (t.used < table->used) table = &t;
  }
  table->used = ++uses;
  if (!table->holds(frequencies, half, scale) && !become(*table, frequencies, half, scale)) return nullptr;
  const int64_t most = larger(1, most_floats / (2 * half));
  positions = smaller(positions, most);
  if (positions <= table->rows) return table;
  const int64_t rows = smaller(most, larger(larger(positions, 2 * table->rows), 64));
  void* data = realloc(table->data, static_cast<size_t>(rows * 2 * half) * sizeof(float));
  if (data == nullptr) return nullptr;
  table->data = static_cast<float*>(data);
  for (int64_t p = table->rows; p < rows; p++) fill_row(*table, p, table->data + p * 2 * half);
  table->rows = rows;
  return table;
}

/** All heads of one position; sign −1 turns back. */
static inline void turn(const float* x, float* y, int64_t heads, int64_t half, const float* row, float sign) {
  const float* cosines = row;
  const float* sines = row + half;
  for (int64_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
    int64_t i = 0;
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

// Tensors: x [N, H, D], positions int32 [N], y [N, H, D]. Numbers: N, H, D, direction (1 forward, −1 backward), scale and
// the D/2 frequencies.
const char* rotary(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count >= 5, "3 tensors and at least 5 numbers");
  const int64_t n = call.number(0), heads = call.number(1), d = call.number(2);
  const float sign = call.numbers[3] < 0 ? -1.0f : 1.0f;
  const double scale = call.numbers[4];
  const double* frequencies = call.numbers + 5;
  const int64_t width = product(heads, d), size = product(n, width), half = d / 2;
  REQUIRE(size >= 0 && d % 2 == 0 && d <= turning::most_floats, "N, H or D");
  REQUIRE(call.number_count == 5 + half, "D/2 frequencies");
  for (int i = 4; i < call.number_count; i++) {
    REQUIRE(fabs(call.numbers[i]) <= turning::most_frequency, "a frequency or the scale is not a number, or beyond 10^9");
  }
  REQUIRE(call.tensors[0].size == size && call.tensors[1].size == n && call.tensors[2].size == size,
          "sizes of x, positions or y");
  const int32_t* positions = call.integers(1);
  const auto [least, most] = extremes(positions, n);
  REQUIRE(least >= 0 && most < turning::most_positions, "a position is not in 0 … 2^24 − 1");
  if (size == 0) return nullptr;
  const turning::Table* table = turning::table_for(frequencies, half, scale, most + int64_t{1});
  REQUIRE(table != nullptr, "out of memory");
  float* beyond = most < table->rows ? nullptr : shared_scratch(slot_partial, Pool::instance().threads() * d);
  const float* x = call.floats(0);
  float* y = call.floats(2);
  split_over(size, n, 1, [&](Range rows, int thread) {
    for (int64_t i = rows.begin; i < rows.end; i++) {
      const int64_t p = positions[i];
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
