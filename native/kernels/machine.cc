#include "machine.h"

#include <stdlib.h>
#include <time.h>

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#include <arm_neon.h>
#endif

namespace mossctl {
namespace MOSSCTL_ISA {

// One unit holds every kernel file: names as plain as these stay in a namespace of their own.
namespace machine {

// Enough chains to cover latency × issue width of every core we know (4 × 4), and few enough to stay in registers.
#if defined(__AVX2__) && !defined(__AVX512F__)
constexpr int chains = 12;  // of 16 registers
#else
constexpr int chains = 24;  // of 32
#endif

static double seconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

/** Read by the compiler's lights: what goes in could be anything, what comes out is used. */
static volatile float factor = 0.5f, addend = 1.0f;
static volatile float sink;

struct Fp32 {
  static constexpr double flops = 2.0 * W;
  typedef vf Operand;
  static Operand operand(float x) { return splat(x); }
  static inline __attribute__((always_inline)) vf step(vf x, Operand a, Operand b) { return x * a + b; }
};

#if defined(MOSSCTL_BF16_PAIRS)
struct Bf16 {
  static constexpr double flops = 4.0 * W;
  typedef vf Operand;
  static Operand operand(float x) {
    const vf bits = splat(x);
    return from_bits((bf16_bits(bits) >> 16) | bf16_bits(bits));
  }
  static inline __attribute__((always_inline)) vf step(vf x, Operand a, Operand b) {
    return multiply_add_pairs(a, b, x);
  }
};
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
struct Bf16 {
  static constexpr double flops = 4.0 * W;
  typedef bfloat16x8_t Operand;
  static Operand operand(float x) {
    return vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(vdupq_n_f32(x)), vdupq_n_f32(x));
  }
  static inline __attribute__((always_inline)) vf step(vf x, Operand a, Operand b) {
    return reinterpret_cast<vf>(vbfdotq_f32(reinterpret_cast<float32x4_t>(x), a, b));
  }
};
#endif

/** Every chain is one register: the loops over them are unrolled whole, so that no array is left. */
template <typename Kind>
__attribute__((noinline)) float spin(int64_t rounds) {
  const typename Kind::Operand a = Kind::operand(factor), b = Kind::operand(addend);
  vf x[chains];
#pragma GCC unroll 32
  for (int i = 0; i < chains; i++) x[i] = splat(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 32
    for (int i = 0; i < chains; i++) x[i] = Kind::step(x[i], a, b);
  }
  vf total{};
#pragma GCC unroll 32
  for (int i = 0; i < chains; i++) total += x[i];
  return sum(total);
}

constexpr double budget = 0.3;  // seconds for each measurement

struct Race {
  int threads;
  double best[256];  // of each thread, in GFLOP/s
};

/** Windows of about a millisecond, each thread by its own clock: one that is not disturbed is soon found. */
template <typename Kind>
void race(void* context, int thread) {
  Race& r = *static_cast<Race*>(context);
  if (thread >= r.threads) return;
  int64_t rounds = 100;
  double best = 0;
  for (double begin = seconds(), end = begin + budget; begin < end;) {
    sink = spin<Kind>(rounds);
    const double now = seconds();
    const double took = now - begin;
    begin = now;
    if (took < 0.5e-3) {
      rounds *= 2;  // too short to trust
      continue;
    }
    const double rate = Kind::flops * chains * rounds / took * 1e-9;
    if (rate > best) best = rate;
  }
  r.best[thread] = best;
}

template <typename Kind>
double best_rate(int threads) {
  Race result = {threads, {}};
  Pool::instance().run(race<Kind>, &result);
  double total = 0;
  for (const double best : result.best) total += best;
  return total;
}

struct Reading {
  int threads;
  float* data;
  int64_t floats;
};

static void fill(void* context, int thread) {
  const Reading& r = *static_cast<Reading*>(context);
  if (thread >= r.threads) return;
  const Range mine = share(r.floats, thread, r.threads, 8 * W);
  for (int64_t i = mine.begin; i < mine.end; i++) r.data[i] = 1;
}

static void read(void* context, int thread) {
  const Reading& r = *static_cast<Reading*>(context);
  if (thread >= r.threads) return;
  const Range mine = share(r.floats, thread, r.threads, 8 * W);
  vf sums[8] = {};
  for (int64_t i = mine.begin; i < mine.end; i += 8 * W) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) sums[j] += load(r.data + i + j * W);
  }
  vf total{};
  for (int j = 0; j < 8; j++) total += sums[j];
  sink = sum(total);
}

static int within_pool(int threads) {
  const int most = Pool::instance().threads();
  return threads < 1 ? 1 : threads > most ? most : threads;
}

}  // namespace machine

double probe_fma(bool bf16, int threads) {
  threads = machine::within_pool(threads);
  if (!bf16) return machine::best_rate<machine::Fp32>(threads);
#if defined(MOSSCTL_BF16_PAIRS) || defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
  return machine::best_rate<machine::Bf16>(threads);
#else
  return 0;
#endif
}

double probe_bandwidth(int threads) {
  constexpr int64_t bytes = int64_t{256} << 20;
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, bytes) != 0) return 0;
  constexpr int64_t floats = bytes / static_cast<int64_t>(sizeof(float));
  machine::Reading job = {machine::within_pool(threads), static_cast<float*>(memory), floats};
  Pool::instance().run(machine::fill, &job);
  double best = 0;
  for (double begin = machine::seconds(), end = begin + machine::budget; begin < end;) {
    Pool::instance().run(machine::read, &job);
    const double now = machine::seconds();
    const double rate = bytes / (now - begin) * 1e-9;
    if (rate > best) best = rate;
    begin = now;
  }
  free(memory);
  return best;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
