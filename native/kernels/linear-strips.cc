// A strip stays in cache while all rows pass it, a panel of MR rows at a time; rows are copied once into panels. Sums run
// along the depth in the same blocks as those of gemm.cc, so all products of a row have the same bits, however it is
// computed. q8_0 stands for floats (a byte times a scale): its products are those of the matrix with these floats.
#include "linear-strips.h"

#include <math.h>

#include "../call.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace strips {

/** Rows that are taken at a time: their copy stays in the second-level cache. */
static int64_t rows_at_a_time(int64_t in) { return larger(1, (1 << 17) / larger(1, in) / MR) * MR; }

/** Calls f(p, depth, slots of all blocks before) for each block of the depth. */
template <typename F>
static inline void each_block(int64_t in, Operands operands, F f) {
  const int64_t kc = block_depth(in, operands);
  int64_t before = 0;
  for (int64_t p = 0; p < in || p == 0; p += kc) {
    const int64_t depth = smaller(kc, in - p);
    f(p, depth, before);
    before += slots(operands, depth);
  }
}

static int64_t all_slots(int64_t in, Operands operands) {
  const int64_t kc = block_depth(in, operands);
  return in / kc * slots(operands, kc) + slots(operands, in % kc);
}

/** Floats of one block of the depth of `n` rows in panels. */
static int64_t panels(int64_t n) { return ceil_div(n, MR) * MR * LDA; }

typedef int8_t bytes_of_vector __attribute__((vector_size(W), may_alias, aligned(1)));

/** W bytes as floats. GCC widens bytes one at a time: on x86 the instruction is named. */
static inline __attribute__((always_inline)) vf floats_of(const int8_t* p) {
  const bytes_of_vector& bytes = *reinterpret_cast<const bytes_of_vector*>(p);
#if defined(__AVX2__)
  vi wide;
  asm("vpmovsxbd %1, %0" : "=v"(wide) : "m"(bytes));
#else
  const vi wide = __builtin_convertvector(bytes, vi);
#endif
  return __builtin_convertvector(wide, vf);
}

/** In a strip of q8_0: for each 32 of the depth NR scales as floats, then NR bytes at each depth. */
constexpr int64_t q8_floats = NR + q8_block * NR / 4;

struct Q8 {
  const float* scales;
  const int8_t* bytes;

  Q8(const float* strip, int64_t block)
      : scales(strip + block * q8_floats), bytes(reinterpret_cast<const int8_t*>(scales + NR)) {}
};

/** Depths p … p + depth − 1 of a strip, as floats. */
static void expand(const float* strip, int64_t p, int64_t depth, float* to) {
  for (int64_t k = p; k < p + depth;) {
    const Q8 block(strip, k / q8_block);
    const int64_t end = smaller(p + depth, (k / q8_block + 1) * q8_block);
    for (; k < end; k++) {
      for (int v = 0; v < NV; v++) {
        store(to + (k - p) * NR + v * W, floats_of(block.bytes + k % q8_block * NR + v * W) * load(block.scales + v * W));
      }
    }
  }
}

/** One row with one strip of q8_0: the same products and sums as with its floats, without writing these down. */
static void multiply_q8(const float* strip, const float* x, int64_t in, int64_t width, const StripsOut& to) {
  vf result[NV];
  each_block(in, Operands::fp32, [&](int64_t p, int64_t depth, int64_t) {
    vf acc[NV] = {};
    for (int64_t k = p; k < p + depth;) {
      const Q8 block(strip, k / q8_block);
      const int64_t end = smaller(p + depth, (k / q8_block + 1) * q8_block);
      vf scale[NV];
      for (int v = 0; v < NV; v++) scale[v] = load(block.scales + v * W);
      for (; k < end; k++) {
        const vf factor = splat(x[k]);
        for (int v = 0; v < NV; v++) {
          const vf w = floats_of(block.bytes + k % q8_block * NR + v * W) * scale[v];
          acc[v] += factor * w;
        }
      }
    }
    for (int v = 0; v < NV; v++) {
      const int64_t count = smaller(W, width - v * W);
      if (p > 0) {
        result[v] = acc[v] + result[v];
        continue;
      }
      result[v] = acc[v];
      if (to.bias && count > 0) result[v] += count == W ? load(to.bias + v * W) : load_some(to.bias + v * W, count);
      if (to.residual && count > 0) {
        result[v] += count == W ? load(to.residual + v * W) : load_some(to.residual + v * W, count);
      }
    }
  });
  for (int v = 0; v < NV; v++) store_some(to.y + v * W, result[v], larger(0, smaller(W, width - v * W)));
}

/** Strip s with `n` rows in panels. */
static void multiply_strip(const Strips& w, int64_t s, int64_t n, const float* x, const float* rows, const StripsOut& to,
                           float* scratch) {
  const int64_t j = s * NR, width = smaller(NR, w.out - j);
  const bool plain = w.plain.data != nullptr;
  const float* strip = plain ? scratch : w.packed + s * strip_floats(w.in, w.held, w.operands);
  if (plain) pack_strips(w.plain, w.out, w.in, w.operands, s, s + 1, scratch);
  if (w.held == Held::q8 && n == 1) {
    multiply_q8(strip, x, w.in, width, {to.bias ? to.bias + j : nullptr, to.residual ? to.residual + j : nullptr, to.y + j});
    return;
  }
  // The next strip's first lines of each page: from there on a processor looks ahead itself.
  constexpr int64_t page = 1024, lines = 4 * 16;
  const int64_t floats = strip_floats(w.in, w.held, w.operands);
  const Ahead next = plain ? Ahead{} : Ahead{strip + floats, page, ceil_div(floats, page), lines};
  int64_t block = 0;
  each_block(w.in, w.operands, [&](int64_t p, int64_t depth, int64_t before) {
    const float* part = strip + before * NR;
    if (w.held == Held::q8) {
      expand(strip, p, depth, scratch);
      part = scratch;
    }
    Out out{to.y + j, w.out};
    out.accumulate = p > 0;
    if (p == 0 && to.bias) out.bias = to.bias + j;
    if (p == 0 && to.residual) out.residual = to.residual + j;
    multiply_strips(Order::by_rows, n, width, slots(w.operands, depth), rows + block++ * panels(n), part, 0, out,
                    w.operands == Operands::paired, next);
  });
}

}  // namespace strips

int64_t strip_floats(int64_t in, Held held, Operands operands) {
  return held == Held::q8 ? ceil_div(in, q8_block) * strips::q8_floats : strips::all_slots(in, operands) * NR;
}

void pack_strips(View w, int64_t out, int64_t in, Operands operands, int64_t first, int64_t last, float* to) {
  for (int64_t s = first; s < last; s++) {
    float* strip = to + (s - first) * strip_floats(in, Held::floats, operands);
    strips::each_block(in, operands, [&](int64_t p, int64_t depth, int64_t before) {
      pack_b(w.from(p, s * NR), smaller(NR, out - s * NR), depth, 0, 1, strip + before * NR, operands);
    });
  }
}

void multiply_by_strips(const Strips* matrices, const StripsOut* to, int matrix_count, int64_t n, const float* x) {
  const Strips& w = matrices[0];
  const int64_t step = strips::rows_at_a_time(w.in);
  const int64_t blocks = ceil_div(larger(1, w.in), block_depth(w.in, w.operands));
  float* rows = shared_scratch(slot_packed_b, blocks * strips::panels(smaller(n, step)));
  const int64_t scratch_floats = w.plain.data         ? strip_floats(w.in, Held::floats, w.operands)
                              : w.held == Held::q8 ? NR * block_depth(w.in, w.operands)
                                                   : 0;
  int64_t count = 0;
  for (int i = 0; i < matrix_count; i++) count += ceil_div(matrices[i].out, NR);
  for (int64_t row = 0; row < n; row += step) {
    const int64_t height = smaller(step, n - row), panel_count = ceil_div(height, MR);
    const float* from = x + row * w.in;
    // Copying a panel is as much work as reading it once more.
    in_pieces(panel_count, 8.0 * height * w.in, [&](int64_t panel, int) {
      const int64_t first = panel * MR, count_here = smaller(MR, height - first);
      int64_t block = 0;
      strips::each_block(w.in, w.operands, [&](int64_t p, int64_t depth, int64_t) {
        float* place = rows + block++ * strips::panels(height) + first * LDA;
        pack_a({from + first * w.in + p, w.in, 1}, count_here, depth, place, w.operands);
      });
    });
    // Few rows: the time is that of reading W. A piece is some microseconds.
    const double strip_work = 1.0 * larger(12, height) * w.in * NR;
    const int64_t piece = larger(1, smaller(ceil_div(count, 2 * Pool::instance().threads()), lround((1 << 17) / strip_work)));
    in_pieces(ceil_div(count, piece), strip_work * count, [&](int64_t i, int) {
      float* scratch = scratch_floats == 0 ? nullptr : thread_scratch(slot_other, scratch_floats);
      int64_t s = i * piece;
      int m = 0;
      for (; s >= ceil_div(matrices[m].out, NR); m++) s -= ceil_div(matrices[m].out, NR);
      for (int64_t left = smaller(piece, count - i * piece); left > 0; left--, s++) {
        if (s == ceil_div(matrices[m].out, NR)) {
          s = 0;
          m++;
        }
        const StripsOut& out = to[m];
        const StripsOut here{out.bias, out.residual ? out.residual + row * matrices[m].out : nullptr,
                             out.y + row * matrices[m].out};
        strips::multiply_strip(matrices[m], s, height, from, rows, here, scratch);
      }
    });
  }
}

int64_t packed_floats(int64_t out, int64_t in, bool q8) {
  const Operands operands = q8 ? Operands::fp32 : wanted_operands();
  return product(ceil_div(out, NR), strip_floats(in, q8 ? Held::q8 : Held::floats, operands));
}

// Tensors: w [out, in], packed [packed_floats]. Numbers: out, in.
const char* pack_linear(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 2, "2 tensors and 2 numbers");
  const int64_t out = call.number(0), in = call.number(1);
  REQUIRE(out >= 1 && in >= 1, "out, in");
  REQUIRE(call.holds(0, out, in) && call.holds(1, packed_floats(out, in, false)), "sizes of w or packed");
  const Operands operands = wanted_operands();
  const int64_t floats = strip_floats(in, Held::floats, operands);
  in_pieces(ceil_div(out, NR), 4.0 * out * in, [&](int64_t s, int) {
    pack_strips({call.floats(0), 1, in}, out, in, operands, s, s + 1, call.floats(1) + s * floats);
  });
  return nullptr;
}

namespace strips {

static float from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, exponent = half >> 10 & 31, digits = half & 1023;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * static_cast<float>(digits) * 0x1p-24f;
  const uint32_t bits = exponent == 31 ? sign | 0x7F800000 | digits << 13 : sign | (exponent + 112) << 23 | digits << 13;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

}  // namespace strips

// Tensors: blocks (the bytes of W's rows in q8_0, as GGUF stores them, four to a place), packed. Numbers: out, in.
const char* pack_linear_q8(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 2, "2 tensors and 2 numbers");
  const int64_t out = call.number(0), in = call.number(1), blocks = in / q8_block, bytes = product(out, blocks * q8_block_bytes);
  REQUIRE(out >= 1 && in >= 1 && in % q8_block == 0 && bytes >= 0, "in: a multiple of 32");
  REQUIRE(call.holds(0, ceil_div(bytes, 4)) && call.holds(1, packed_floats(out, in, true)), "sizes of blocks or packed");
  const uint8_t* from = static_cast<const uint8_t*>(call.tensors[0].data);
  float* to = call.floats(1);
  in_pieces(ceil_div(out, NR), 4.0 * out * in, [&](int64_t s, int) {
    for (int64_t b = 0; b < blocks; b++) {
      float* scales = to + (s * blocks + b) * strips::q8_floats;
      int8_t* quants = reinterpret_cast<int8_t*>(scales + NR);
      memset(scales, 0, strips::q8_floats * sizeof(float));
      for (int64_t i = 0; i < smaller(NR, out - s * NR); i++) {
        const uint8_t* block = from + ((s * NR + i) * blocks + b) * q8_block_bytes;
        uint16_t half;
        memcpy(&half, block, sizeof half);
        scales[i] = strips::from_half(half);
        for (int64_t k = 0; k < q8_block; k++) quants[k * NR + i] = static_cast<int8_t>(block[2 + k]);
      }
    }
  });
  return nullptr;
}

// One product or several of the same x. Tensors: x [n, in]; of each matrix packed, (bias [out]), (residual [n, out]); the
// results y [n, out]. Numbers: n, in, q8, matrices (1 to 4); of each out, bias, residual.
const char* linear_packed(const Call& call) {
  constexpr int64_t most = 4;
  REQUIRE(call.number_count >= 4, "4 numbers and more");
  const int64_t n = call.number(0), in = call.number(1), count = call.number(3);
  const bool q8 = call.number(2) != 0;
  REQUIRE(count >= 1 && count <= most && call.number_count == 4 + 3 * count, "1 to 4 matrices, 3 numbers for each");
  REQUIRE(in >= 1 && (!q8 || in % q8_block == 0), "in: at least 1, of q8_0 a multiple of 32");
  REQUIRE(call.tensor_count >= 1 && call.holds(0, n, in), "size of x");
  const Operands operands = q8 ? Operands::fp32 : wanted_operands();
  Strips matrices[most];
  StripsOut to[most];
  int next = 1;
  for (int64_t i = 0; i < count; i++) {
    const int at = static_cast<int>(4 + 3 * i);
    const int64_t out = call.number(at);
    const bool has_bias = call.number(at + 1) != 0, has_residual = call.number(at + 2) != 0;
    REQUIRE(next + 1 + has_bias + has_residual <= call.tensor_count, "packed, bias?, residual? of each matrix");
    REQUIRE(out >= 1 && call.holds(next, packed_floats(out, in, q8)), "size of packed");
    matrices[i] = {out, in, q8 ? Held::q8 : Held::floats, operands, call.floats(next++), {}};
    REQUIRE(!has_bias || call.holds(next, out), "size of bias");
    to[i].bias = has_bias ? call.floats(next++) : nullptr;
    REQUIRE(!has_residual || call.holds(next, n, out), "size of residual");
    to[i].residual = has_residual ? call.floats(next++) : nullptr;
  }
  REQUIRE(call.tensor_count == next + count, "a result for each matrix");
  for (int64_t i = 0; i < count; i++) {
    REQUIRE(call.holds(next, n, matrices[i].out), "size of y");
    to[i].y = call.floats(next++);
  }
  multiply_by_strips(matrices, to, static_cast<int>(count), n, call.floats(0));
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
