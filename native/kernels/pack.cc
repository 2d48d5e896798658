// Packing: operands copied into the order in which the inner loop of a product reads them, rounded on the way where
// bf16 is asked for.
#include "../kernels.h"
#include "gemm.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

/** Two floats as bf16 in one place, the first in the low half. */
inline vf pair(vf first, vf second) { return from_bits((bf16_bits(first) >> 16) | bf16_bits(second)); }

template <Operands O>
inline vf operand(vf x) {
  return O == Operands::rounded ? from_bits(bf16_bits(x)) : x;
}

/** W slots of a row from slot s on; past `depth` there are zeros. */
template <Operands O, typename T>
inline vf along(const T* row, int64_t s, int64_t depth) {
  if constexpr (O != Operands::paired) {
    return operand<O>(depth - s >= W ? load(row + s) : load_some(row + s, depth - s));
  } else {
    const int64_t k = 2 * s;
    const vf a = depth - k >= W ? load(row + k) : load_some(row + k, larger(0, depth - k));
    const vf b = depth - k >= 2 * W ? load(row + k + W) : load_some(row + k + W, larger(0, smaller(W, depth - k - W)));
    vf even, odd;
    separate(a, b, even, odd);
    return pair(even, odd);
  }
}

/** `count` (≤ W) columns of slot s, where rows lie `stride` apart. */
template <Operands O, typename T>
inline vf down(const T* data, int64_t stride, int64_t s, int64_t depth, int64_t count) {
  const auto row = [&](int64_t k) {
    const T* p = data + k * stride;
    return k >= depth ? vf{} : count == W ? load(p) : load_some(p, count);
  };
  if constexpr (O != Operands::paired) return operand<O>(row(s));
  return pair(row(2 * s), row(2 * s + 1));
}

/** One panel [slots, NR] of a B whose columns lie contiguous in memory: a transposition. */
template <Operands O, typename T>
void pack_transposed(const T* from, int64_t stride, int64_t columns, int64_t depth, float* to) {
  const int64_t count = slots(O, depth);
  for (int v = 0; v < NV; v++) {
    const int64_t valid = smaller(W, larger(0, columns - v * W));
    const T* block = from + v * W * stride;
    for (int64_t s = 0; s < count; s += W) {
      vf rows[W];
      for (int i = 0; i < W; i++) rows[i] = i < valid ? along<O>(block + i * stride, s, depth) : vf{};
      transpose(rows);
      const int64_t width = smaller(W, count - s);
      for (int64_t i = 0; i < width; i++) store(to + (s + i) * NR + v * W, rows[i]);
    }
  }
}

/**
 * Panels [slots, NR] of a B whose rows lie contiguous. Slot by slot over all panels, because memory is fetched ahead along
 * a row, not across.
 */
template <Operands O, typename T>
void pack_strips(const T* from, int64_t stride, int64_t columns, int64_t depth, float* to) {
  const int64_t count = slots(O, depth);
  for (int64_t s = 0; s < count; s++) {
    float* out = to + s * NR;
    for (int64_t j = 0; j < columns; j += NR, out += count * NR) {
      for (int v = 0; v < NV; v++) {
        const int64_t valid = smaller(W, larger(0, columns - j - v * W));
        store(out + v * W, valid == 0 ? vf{} : down<O>(from + j + v * W, stride, s, depth, valid));
      }
    }
  }
}

/** `rows` rows of A, each contiguous, LDA apart. A store may pass a row's end: LDA leaves room for it. */
template <Operands O>
void pack_rows(const float* from, int64_t stride, int64_t rows, int64_t depth, float* to) {
  static_assert(LDA >= KC + W, "the last vector of a row needs room");
  const int64_t count = slots(O, depth);
  for (int64_t r = 0; r < rows; r++) {
    if constexpr (O == Operands::fp32) {
      memcpy(to + r * LDA, from + r * stride, static_cast<size_t>(depth) * sizeof(float));
    } else {
      for (int64_t s = 0; s < count; s += W) store(to + r * LDA + s, along<O>(from + r * stride, s, depth));
    }
  }
}

/** An A whose columns lie contiguous: the slots of its transpose, LDA apart. A store may pass `rows`, as in `pack_rows`. */
template <Operands O>
void pack_across(const float* from, int64_t stride, int64_t rows, int64_t depth, float* to) {
  const int64_t count = slots(O, depth);
  for (int64_t s = 0; s < count; s++) {
    for (int64_t i = 0; i < rows; i += W) {
      store(to + s * LDA + i, down<O>(from + i, stride, s, depth, smaller(W, rows - i)));
    }
  }
}

template <Operands O>
void pack_a_as(View a, int64_t rows, int64_t depth, float* to) {
  if (a.columns == 1) {
    pack_rows<O>(a.data, a.rows, rows, depth, to);
  } else {
    pack_across<O>(a.data, a.columns, rows, depth, to);
  }
}

template <Operands O, typename T>
void pack_b_of(const T* data, View b, int64_t columns, int64_t depth, int64_t first, int64_t last, float* to) {
  const int64_t begin = first * NR, end = smaller(last * NR, columns);
  if (begin >= end) return;
  float* out = to + begin * slots(O, depth);
  if (b.columns == 1) return pack_strips<O>(data + begin, b.rows, end - begin, depth, out);
  for (int64_t j = begin; j < end; j += NR, out += NR * slots(O, depth)) {
    pack_transposed<O>(data + j * b.columns, b.columns, smaller(NR, end - j), depth, out);
  }
}

template <Operands O>
void pack_b_as(View b, int64_t columns, int64_t depth, int64_t first, int64_t last, float* to) {
  if (b.halves) return pack_b_of<O>(reinterpret_cast<const half*>(b.data), b, columns, depth, first, last, to);
  pack_b_of<O>(b.data, b, columns, depth, first, last, to);
}

}  // namespace

Operands wanted_operands() {
  switch (precision()) {
    case Precision::bf16:
      return Operands::rounded;
    case Precision::bf16_pairs:
#if defined(MOSSCTL_BF16_PAIRS)
      return Operands::paired;
#else
      return Operands::rounded;
#endif
    default:
      return Operands::fp32;
  }
}

void pack_a(View a, int64_t rows, int64_t depth, float* to, Operands operands) {
  const auto pack = operands == Operands::fp32      ? pack_a_as<Operands::fp32>
                    : operands == Operands::rounded ? pack_a_as<Operands::rounded>
                                                    : pack_a_as<Operands::paired>;
  pack(a, rows, depth, to);
}

void pack_b(View b, int64_t columns, int64_t depth, int64_t first, int64_t last, float* to, Operands operands) {
  const auto pack = operands == Operands::fp32      ? pack_b_as<Operands::fp32>
                    : operands == Operands::rounded ? pack_b_as<Operands::rounded>
                                                    : pack_b_as<Operands::paired>;
  pack(b, columns, depth, first, last, to);
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
