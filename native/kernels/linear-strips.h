// Products of some rows with a matrix in strips: NR of its rows side by side, one number of each after the other, as the
// inner loop reads them. A strip is read once for all rows; what a row becomes does not depend on how many there are.
#pragma once

#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

/** Numbers in a block of q8_0, as ggml has it: a scale in f16, then a byte for each. */
constexpr int64_t q8_block = 32;
constexpr int64_t q8_block_bytes = 2 + q8_block;

/** How the numbers of a packed matrix are held. */
enum class Held { floats, q8 };

/** A matrix W [out, in] in strips; where it is not packed, `plain` is Wᵀ as it lies, and strips are made as they are needed. */
struct Strips {
  int64_t out, in;
  Held held;
  Operands operands;
  const float* packed;
  View plain;
};

struct StripsOut {
  const float *bias, *residual;  // [out], [n, out] or null
  float* y;                      // [n, out]
};

/** Floats that one strip of a packed matrix takes. */
int64_t strip_floats(int64_t in, Held held, Operands operands);
/** Packs W's strips first … last − 1, from Wᵀ. */
void pack_strips(View w, int64_t out, int64_t in, Operands operands, int64_t first, int64_t last, float* to);

/** y = x · Wᵀ (+ bias) (+ residual), x [n, in], for each of some matrices of one width, held alike. */
void multiply_by_strips(const Strips* matrices, const StripsOut* to, int matrix_count, int64_t n, const float* x);

const char* linear_packed(const Call& call);
const char* pack_linear(const Call& call);
const char* pack_linear_q8(const Call& call);
/** Floats' places that a packed matrix takes. */
int64_t packed_floats(int64_t out, int64_t in, bool q8);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
