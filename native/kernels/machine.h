// What this machine can do at most: the limits that `mossctl bench` measures every kernel against.
#pragma once

#include "../memory.h"
#include "../pool.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

/**
 * Most multiply-adds per second that `threads` threads reach side by side, in GFLOP/s, with nothing to load or store:
 * the sum of each thread's best window, because other programs only ever take away. bf16: dot products of bf16 pairs
 * summed in fp32; 0 where this instruction set has none.
 */
double probe_fma(bool bf16, int threads);

/** Most bytes per second that `threads` threads read from memory that no cache holds, in GB/s; 0 without the memory. */
double probe_bandwidth(int threads);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
