// What this x64 processor and its system can run, asked of the processor itself: not every compiler's library answers
// __builtin_cpu_supports.
#pragma once

namespace mossctl {

struct Processor {
  /** AVX2, FMA and F16C, with a system that keeps their registers. */
  bool avx2 = false;
  /** And AVX-512 F, BW, DQ and VL. */
  bool avx512 = false;
  /** And its products of bf16 pairs. */
  bool bf16_pairs = false;
  bool is_intel = false;
};

/** Nothing of it on other architectures. */
Processor this_processor();

}  // namespace mossctl
