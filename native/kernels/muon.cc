// As src/tensor/ops/muon.ts says it, without its temporaries: a tall matrix is never turned, it is multiplied from its
// other side, and of products that are symmetric one half is computed. Small matrices are pieces, each on one thread from
// beginning to end, where everything stays in its cache; large ones come one after the other, their products on all threads.
#include "muon.h"

#include <math.h>

#include "gemm.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace orthogonal {

constexpr int degree = 3;              // polynomials, one after the other
constexpr int64_t small_matrix = 1 << 18;  // elements
constexpr int64_t chunk = 16384;          // elements whose squares are added up together

struct Settings {
  float momentum, fresh;  // what the moment keeps, and takes of a gradient
  float polynomials[degree][3];
};

struct Matrix {
  float *p, *m;
  const float* gradient;
  int64_t rows, columns;
  float keep, length;

  int64_t size() const { return rows * columns; }
  int64_t side() const { return smaller(rows, columns); }
  int64_t other_side() const { return larger(rows, columns); }
  bool wide() const { return rows <= columns; }
  /** Two of the matrix's own shape and five squares of its shorter side. */
  int64_t scratch() const { return 2 * size() + 5 * side() * side(); }
  /** Whether all that follows the first Gram matrix takes fewer multiply-adds on the shorter side alone. */
  bool by_gram() const { return 2 * other_side() + (4 * degree - 3) * side() < 2 * degree * other_side() + degree * side(); }
};

using Multiply = void (*)(int64_t m, int64_t n, int64_t k, View a, View b, Out out);

/** to = factor · from. */
static void scale(const float* from, float factor, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i++) to[i] = from[i] * factor;
}

/** The lower half of a symmetric matrix from its upper one, a square at a time. */
static void mirror(float* x, int64_t n) {
  constexpr int64_t tile = 32;
  for (int64_t i = 0; i < n; i += tile) {
    for (int64_t j = 0; j <= i; j += tile) {
      for (int64_t row = i; row < smaller(n, i + tile); row++) {
        for (int64_t column = j; column < smaller(row, j + tile); column++) x[row * n + column] = x[column * n + row];
      }
    }
  }
}

/** The products of one matrix. */
struct Work {
  const Matrix& of;
  Multiply multiply;

  /** to += a · b, all square, and symmetric: polynomials of one matrix. */
  void add_product(const float* a, const float* b, float* to) const {
    const int64_t n = of.side();
    Out out{to, n};
    out.accumulate = out.upper = true;
    multiply(n, n, n, {a, n, 1}, {b, n, 1}, out);
    mirror(to, n);
  }
  /** X · Xᵀ of the shorter side. */
  void gram(const float* x, float* to) const {
    const View across{x, 1, of.columns}, along{x, of.columns, 1};
    Out out{to, of.side()};
    out.upper = true;
    multiply(of.side(), of.side(), of.other_side(), of.wide() ? along : across, of.wide() ? across : along, out);
    mirror(to, of.side());
  }
  /** to = z · X + factor · X for a symmetric z. */
  void apply(const float* z, const float* x, float factor, float* to) const {
    scale(x, factor, of.size(), to);
    const View square{z, of.side(), 1}, matrix{x, of.columns, 1};
    Out out{to, of.columns};
    out.accumulate = true;
    multiply(of.rows, of.columns, of.side(), of.wide() ? square : matrix, of.wide() ? matrix : square, out);
  }
  /** z = b · A + c · A² of a symmetric A. */
  void both_terms(const float* a, float b, float c, float* scaled, float* z) const {
    const int64_t n = of.side() * of.side();
    scale(a, c, n, scaled);
    scale(a, b, n, z);
    add_product(a, scaled, z);
  }
};

/** The singular values of x moved close to 1; the result is in x or in `other`. */
static float* orthogonalise(const Settings& s, const Work& work, float* x, float* other, float* squares) {
  const int64_t n = work.of.side() * work.of.side();
  float *gram = squares, *z = gram + n, *p = z + n, *half = p + n, *spare = half + n;
  if (!work.of.by_gram()) {
    for (const auto& [a, b, c] : s.polynomials) {
      work.gram(x, gram);
      work.both_terms(gram, b, c, spare, z);
      work.apply(z, x, a, other);
      float* const before = x;
      x = other;
      other = before;
    }
    return x;
  }
  // Every X is Q · X₀ with a polynomial Q = total · I + p of the first Gram matrix, and the next Gram matrix is Q · A · Q.
  float total = 1, before = 1;
  work.gram(x, gram);
  for (int i = 0; i < degree; i++) {
    const auto& [a, b, c] = s.polynomials[i];
    if (i > 0) {
      scale(gram, before, n, half);
      work.add_product(gram, z, half);
      scale(half, before, n, gram);
      work.add_product(half, z, gram);
    }
    work.both_terms(gram, b, c, spare, z);
    if (i == 0) {
      memcpy(p, z, static_cast<size_t>(n) * sizeof(float));
    } else {
      for (int64_t j = 0; j < n; j++) spare[j] = z[j] * total + p[j] * a;
      work.add_product(p, z, spare);
      float* const product = spare;
      spare = p;
      p = product;
    }
    total *= a;
    before = a;
  }
  work.apply(p, x, total, other);
  return other;
}

static void step(const Settings& s, const Matrix& of, Multiply multiply, float* scratch) {
  const int64_t size = of.size();
  float *x = scratch, *other = x + size, *squares = other + size;
  double sum = 0;
  for (int64_t first = 0; first < size; first += chunk) {
    const int64_t end = smaller(size, first + chunk);
    for (int64_t i = first; i < end; i++) {
      const float g = of.gradient[i] * s.fresh, m = of.m[i] * s.momentum + g;
      of.m[i] = m;
      x[i] = m * s.momentum + g;
    }
    sum += sum_double(x + first, end - first, [](auto value) { return value * value; });
  }
  scale(x, 1.0f / (static_cast<float>(sqrt(sum)) + 1e-7f), size, x);
  const float* update = orthogonalise(s, {of, multiply}, x, other, squares);
  for (int64_t i = 0; i < size; i++) of.p[i] = of.p[i] * of.keep - update[i] * of.length;
}

}  // namespace orthogonal

// Tensors: p, gradient, m of each matrix in turn. Numbers: count, momentum, what the moment takes of a gradient, the
// coefficients of x, x³ and x⁵ of 3 polynomials, then for each matrix rows, columns, what weight decay leaves of it, and
// the length of its step.
const char* muon(const Call& call) {
  using namespace orthogonal;
  constexpr int settings = 3 + 3 * degree;
  REQUIRE(call.number_count >= settings, "12 numbers and 4 more for each matrix");
  const int64_t count = call.number(0);
  REQUIRE(call.number_count == settings + 4 * count && call.tensor_count == 3 * count,
          "3 tensors and 4 numbers for each matrix");
  const auto number = [&](int64_t i) { return static_cast<float>(call.numbers[i]); };
  Settings s{number(1), number(2), {}};
  for (int i = 0; i < 3 * degree; i++) s.polynomials[i / 3][i % 3] = number(3 + i);
  const auto matrix = [&](int64_t i) {
    const Tensor* t = call.tensors + 3 * i;
    const int64_t at = settings + 4 * i;
    return Matrix{t[0].floats(), t[2].floats(), t[1].floats(), call.number(at), call.number(at + 1), number(at + 2), number(at + 3)};
  };
  double work = 0;
  for (int64_t i = 0; i < count; i++) {
    const Tensor* t = call.tensors + 3 * i;
    const int64_t size = product(call.number(settings + 4 * i), call.number(settings + 4 * i + 1));
    REQUIRE(t[0].size == size && t[1].size == size && t[2].size == size, "a parameter, gradient or moment is not of its size");
    const Matrix of = matrix(i);
    if (size <= small_matrix) work += 6.0 * size * of.side();
  }
  in_pieces(count, work, [&](int64_t i, int) {
    const Matrix of = matrix(i);
    if (of.size() == 0 || of.size() > small_matrix) return;
    step(s, of, gemm_alone, thread_scratch(slot_other, of.scratch()));
  });
  for (int64_t i = 0; i < count; i++) {
    const Matrix of = matrix(i);
    if (of.size() > small_matrix) step(s, of, gemm, thread_scratch(slot_other, of.scratch()));
  }
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
