// C = A · B (+ C) (+ bias) (+ residual), single precision, packed: the product under every layer.
// Blocks of B and panels of A are copied into the order in which the inner loop reads them (Goto & van de Geijn 2008).
#pragma once

#include "../memory.h"
#include "../pool.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

#if defined(__AVX512F__)
constexpr int MR = 14, NV = 2;  // 28 accumulators of 32 registers
#elif defined(__AVX2__)
constexpr int MR = 6, NV = 2;  // 12 of 16
#else
constexpr int MR = 12, NV = 2;  // 24 of 32
#endif
constexpr int NR = NV * W;
constexpr int64_t KC = 352;       // depth of a block: a panel of A [MR, KC] stays in the first-level cache
constexpr int64_t LDA = KC + 16;  // row stride of a packed panel of A; not a power of two, so rows fall into different sets
constexpr int64_t NC = 1024;      // columns of a block of B, which stays in the second-level cache

/** Element (i, j) is data[i · rows + j · columns]; one of the strides is 1. Only a B may be of bf16 (`halves`). */
struct View {
  const float* data;
  int64_t rows, columns;
  bool halves = false;

  /** From element (i, j) on. */
  View from(int64_t i, int64_t j) const {
    const int64_t offset = i * rows + j * columns;
    return {halves ? reinterpret_cast<const float*>(reinterpret_cast<const half*>(data) + offset) : data + offset, rows,
            columns, halves};
  }
};

/** Where a product goes: element (i, j) at c[i · rows + j · columns]. */
struct Out {
  float* c;
  int64_t rows, columns = 1;
  bool accumulate = false;          // the sum is added to what is there
  bool resume = false;              // the sum goes on from what is there, as if it had never been interrupted
  const float* bias = nullptr;      // one per column of C (per row where `bias_on_rows`)
  const float* residual = nullptr;  // laid out as C
  bool bias_on_rows = false;
  bool upper = false;  // of a square C, at least what lies on its diagonal and right of it; `gemm` and `gemm_alone` only
};

// Scratch slots, by user: products inside a job may run while their caller's scratch is in use.
enum ThreadSlot { slot_packed_a, slot_attention, slot_other, slot_block };
enum SharedSlot { slot_packed_b, slot_logits, slot_partial, slot_spans };

/**
 * What a product multiplies: floats; floats rounded to bf16 (sums in fp32, so exactly what bf16 hardware computes, up to
 * the order of the sum); or pairs of bf16 along the depth, two to a float's place, for processors that multiply them.
 */
enum class Operands { fp32, rounded, paired };
/** As the precision asks, and this instruction set allows. */
Operands wanted_operands();
/** Floats' places that a depth takes when packed. */
static inline int64_t slots(Operands operands, int64_t depth) {
  return operands == Operands::paired ? (depth + 1) / 2 : depth;
}

/**
 * Packs `rows` × `depth` (at most KC slots) of A the way it lies: rows LDA apart, each along the depth; or, where its columns
 * are contiguous, slots of the depth LDA apart, each across the rows, of which there may be KC then.
 */
void pack_a(View a, int64_t rows, int64_t depth, float* to, Operands operands = Operands::fp32);
/** Packs the panels [first, last) (of NR columns) of B [depth × columns]. */
void pack_b(View b, int64_t columns, int64_t depth, int64_t first, int64_t last, float* to, Operands operands = Operands::fp32);

/** Memory that is read next, rows `stride` apart: fetched into the second-level cache, some lines at each tile of C. */
struct Ahead {
  const float* data = nullptr;
  int64_t stride = 0, rows = 0, width = 0;
  int64_t row = 0, column = 0;  // how far it has come

  static constexpr int64_t line = 64 / sizeof(float);
  int64_t lines() const { return rows * ceil_div(width, line); }
  void fetch(int64_t count) {
    for (; count > 0 && row < rows; count--) {
      __builtin_prefetch(data + row * stride + column, 0, 2);
      column += line;
      if (column < width) continue;
      column = 0;
      row++;
    }
  }
};

/**
 * How A lies: `by_rows`, which are LDA apart; or `across`, the transpose of rows LDA apart, as where A = Pᵀ and P was
 * computed row by row.
 */
enum class Order { by_rows, across };
/** C from A in any order and some depths of a packed B: `b_strip` floats lie between its panels. */
void multiply_strips(Order order, int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, int64_t b_strip,
                     Out out, bool pairs = false, Ahead ahead = {});

/** Rows × columns of C from packed A, by rows, and B. */
void multiply_packed(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, Out out);

/** Depth of each block of a product: K in equal parts that fill at most KC slots. It depends on nothing else. */
int64_t block_depth(int64_t k, Operands operands);

/** C [m × n] = A [m × k] · B [k × n], on all threads of the pool. */
void gemm(int64_t m, int64_t n, int64_t k, View a, View b, Out out);
/** The same bits, on this thread alone: for use inside a job. */
void gemm_alone(int64_t m, int64_t n, int64_t k, View a, View b, Out out);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
