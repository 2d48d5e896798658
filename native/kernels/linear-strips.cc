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
static long rows_at_a_time(long in) { return larger(1, (1 << 17) / larger(1, in) / MR) * MR; }

/** Calls f(p, depth, slots of all blocks before) for each block of the depth. */
template <typename F>
static inline void each_block(long in, Operands operands, F f) {
  const long kc = block_depth(in, operands);
  long before = 0;
  for (long p = 0; p < in || p == 0; p += kc) {
    const long depth = smaller(kc, in - p);
    f(p, depth, before);
    before += slots(operands, depth);
  }
}

static long all_slots(long in, Operands operands) {
  const long kc = block_depth(in, operands);
  return in / kc * slots(operands, kc) + slots(operands, in % kc);
}

/** Floats of one block of the depth of `n` rows in panels. */
static long panels(long n) { return ceil_div(n, MR) * MR * LDA; }

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
constexpr long q8_floats = NR + q8_block * NR / 4;

struct Q8 {
  const float* scales;
  const int8_t* bytes;

  Q8(const float* strip, long block)
      : scales(strip + block * q8_floats), bytes(reinterpret_cast<const int8_t*>(scales + NR)) {}
};

/** Depths p … p + depth − 1 of a strip, as floats. */
static void expand(const float* strip, long p, long depth, float* to) {
  for (long k = p; k < p + depth;) {
    const Q8 block(strip, k / q8_block);
    const long end = smaller(p + depth, (k / q8_block + 1) * q8_block);
    for (; k < end; k++) {
      for (int v = 0; v < NV; v++) {
        store(to + (k - p) * NR + v * W, floats_of(block.bytes + k % q8_block * NR + v * W) * load(block.scales + v * W));
      }
    }
  }
}

/** One row with one strip of q8_0: the same products and sums as with its floats, without writing these down. */
static void multiply_q8(const float* strip, const float* x, long in, long width, const StripsOut& to) {
  vf result[NV];
  each_block(in, Operands::fp32, [&](long p, long depth, long) {
    vf acc[NV] = {};
    for (long k = p; k < p + depth;) {
      const Q8 block(strip, k / q8_block);
      const long end = smaller(p + depth, (k / q8_block + 1) * q8_block);
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
      const long count = smaller(W, width - v * W);
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
static void multiply_strip(const Strips& w, long s, long n, const float* x, const float* rows, const StripsOut& to,
                           float* scratch) {
  const long j = s * NR, width = smaller(NR, w.out - j);
  const bool plain = w.plain.data != nullptr;
  const float* strip = plain ? scratch : w.packed + s * strip_floats(w.in, w.held, w.operands);
  if (plain) pack_strips(w.plain, w.out, w.in, w.operands, s, s + 1, scratch);
  if (w.held == Held::q8 && n == 1) {
    multiply_q8(strip, x, w.in, width, {to.bias ? to.bias + j : nullptr, to.residual ? to.residual + j : nullptr, to.y + j});
    return;
  }
  // The next strip's first lines of each page: from there on a processor looks ahead itself.
  constexpr long page = 1024, lines = 4 * 16;
  const long floats = strip_floats(w.in, w.held, w.operands);
  const Ahead next = plain ? Ahead{} : Ahead{strip + floats, page, ceil_div(floats, page), lines};
  long block = 0;
  each_block(w.in, w.operands, [&](long p, long depth, long before) {
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

long strip_floats(long in, Held held, Operands operands) {
  return held == Held::q8 ? ceil_div(in, q8_block) * strips::q8_floats : strips::all_slots(in, operands) * NR;
}

void pack_strips(View w, long out, long in, Operands operands, long first, long last, float* to) {
  for (long s = first; s < last; s++) {
    float* strip = to + (s - first) * strip_floats(in, Held::floats, operands);
    strips::each_block(in, operands, [&](long p, long depth, long before) {
      pack_b(w.from(p, s * NR), smaller(NR, out - s * NR), depth, 0, 1, strip + before * NR, operands);
    });
  }
}

void multiply_by_strips(const Strips* matrices, const StripsOut* to, int matrix_count, long n, const float* x) {
  const Strips& w = matrices[0];
  const long step = strips::rows_at_a_time(w.in);
  const long blocks = ceil_div(larger(1, w.in), block_depth(w.in, w.operands));
  float* rows = shared_scratch(slot_packed_b, blocks * strips::panels(smaller(n, step)));
  const long scratch_floats = w.plain.data         ? strip_floats(w.in, Held::floats, w.operands)
                              : w.held == Held::q8 ? NR * block_depth(w.in, w.operands)
                                                   : 0;
  long count = 0;
  for (int i = 0; i < matrix_count; i++) count += ceil_div(matrices[i].out, NR);
  for (long row = 0; row < n; row += step) {
    const long height = smaller(step, n - row), panel_count = ceil_div(height, MR);
    const float* from = x + row * w.in;
    // Copying a panel is as much work as reading it once more.
    in_pieces(panel_count, 8.0 * height * w.in, [&](long panel, int) {
      const long first = panel * MR, count_here = smaller(MR, height - first);
      long block = 0;
      strips::each_block(w.in, w.operands, [&](long p, long depth, long) {
        float* place = rows + block++ * strips::panels(height) + first * LDA;
        pack_a({from + first * w.in + p, w.in, 1}, count_here, depth, place, w.operands);
      });
    });
    // Few rows: the time is that of reading W. A piece is some microseconds.
    const double strip_work = 1.0 * larger(12, height) * w.in * NR;
    const long piece = larger(1, smaller(ceil_div(count, 2 * Pool::instance().threads()), lround((1 << 17) / strip_work)));
    in_pieces(ceil_div(count, piece), strip_work * count, [&](long i, int) {
      float* scratch = scratch_floats == 0 ? nullptr : thread_scratch(slot_other, scratch_floats);
      long s = i * piece;
      int m = 0;
      for (; s >= ceil_div(matrices[m].out, NR); m++) s -= ceil_div(matrices[m].out, NR);
      for (long left = smaller(piece, count - i * piece); left > 0; left--, s++) {
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

long packed_floats(long out, long in, bool q8) {
  const Operands operands = q8 ? Operands::fp32 : wanted_operands();
  return product(ceil_div(out, NR), strip_floats(in, q8 ? Held::q8 : Held::floats, operands));
}

// Tensors: w [out, in], packed [packed_floats]. Numbers: out, in.
const char* pack_linear(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 2, "2 tensors and 2 numbers");
  const long out = call.number(0), in = call.number(1);
  REQUIRE(out >= 1 && in >= 1, "out, in");
  REQUIRE(call.holds(0, out, in) && call.holds(1, packed_floats(out, in, false)), "sizes of w or packed");
  const Operands operands = wanted_operands();
  const long floats = strip_floats(in, Held::floats, operands);
  in_pieces(ceil_div(out, NR), 4.0 * out * in, [&](long s, int) {
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
  const long out = call.number(0), in = call.number(1), blocks = in / q8_block, bytes = product(out, blocks * q8_block_bytes);
  REQUIRE(out >= 1 && in >= 1 && in % q8_block == 0 && bytes >= 0, "in: a multiple of 32");
  REQUIRE(call.holds(0, ceil_div(bytes, 4)) && call.holds(1, packed_floats(out, in, true)), "sizes of blocks or packed");
  const uint8_t* from = static_cast<const uint8_t*>(call.tensors[0].data);
  float* to = call.floats(1);
  in_pieces(ceil_div(out, NR), 4.0 * out * in, [&](long s, int) {
    for (long b = 0; b < blocks; b++) {
      float* scales = to + (s * blocks + b) * strips::q8_floats;
      int8_t* quants = reinterpret_cast<int8_t*>(scales + NR);
      memset(scales, 0, strips::q8_floats * sizeof(float));
      for (long i = 0; i < smaller(NR, out - s * NR); i++) {
        const uint8_t* block = from + ((s * NR + i) * blocks + b) * q8_block_bytes;
        uint16_t half;
        memcpy(&half, block, sizeof half);
        scales[i] = strips::from_half(half);
        for (long k = 0; k < q8_block; k++) quants[k * NR + i] = static_cast<int8_t>(block[2 + k]);
      }
    }
  });
  return nullptr;
}

// One product or several of the same x. Tensors: x [n, in]; of each matrix packed, (bias [out]), (residual [n, out]); the
// results y [n, out]. Numbers: n, in, q8, matrices (1 to 4); of each out, bias, residual.
const char* linear_packed(const Call& call) {
  constexpr long most = 4;
  REQUIRE(call.number_count >= 4, "4 numbers and more");
  const long n = call.number(0), in = call.number(1), count = call.number(3);
  const bool q8 = call.number(2) != 0;
  REQUIRE(count >= 1 && count <= most && call.number_count == 4 + 3 * count, "1 to 4 matrices, 3 numbers for each");
  REQUIRE(in >= 1 && (!q8 || in % q8_block == 0), "in: at least 1, of q8_0 a multiple of 32");
  REQUIRE(call.tensor_count >= 1 && call.holds(0, n, in), "size of x");
  const Operands operands = q8 ? Operands::fp32 : wanted_operands();
  Strips matrices[most];
  StripsOut to[most];
  int next = 1;
  for (long i = 0; i < count; i++) {
    const int at = static_cast<int>(4 + 3 * i);
    const long out = call.number(at);
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
  for (long i = 0; i < count; i++) {
    REQUIRE(call.holds(next, n, matrices[i].out), "size of y");
    to[i].y = call.floats(next++);
  }
  multiply_by_strips(matrices, to, static_cast<int>(count), n, call.floats(0));
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
