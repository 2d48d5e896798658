// What each instruction set offers: the kernels by name, and measurements of the machine.
#pragma once

#include "call.h"

namespace mossctl {

struct Kernel {
  const char* name;
  KernelFunction run;
};

struct KernelTable {
  const char* isa;
  const Kernel* kernels;
  int count;
  /** GFLOP/s of fused multiply-adds held in registers. */
  double (*probe_fma)(bool bf16, int threads);
  /** GB/s read from main memory. */
  double (*probe_bandwidth)(int threads);
  /** Places of 4 bytes that a packed matrix [out, in] takes, at the precision that is set. */
  int64_t (*packed_floats)(int64_t out, int64_t in, bool q8);
};

#if defined(__x86_64__)
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}
#elif defined(__aarch64__)
namespace neon {
const KernelTable& table();
}
#endif

/**
 * Operands of matrix products: fp32, or rounded to bf16 with sums in fp32. `bf16_pairs`: by the processor's own bf16
 * products, which sum in another order.
 */
enum class Precision { fp32, bf16, bf16_pairs };
Precision precision();

}  // namespace mossctl
