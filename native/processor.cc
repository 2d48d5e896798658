#include "processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>
#include <string.h>
#endif

namespace mossctl {

#if defined(__x86_64__)

namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;

  /** Zeros where the processor has no such leaf. */
  Registers(uint32_t leaf, uint32_t part = 0) {
    if (!__get_cpuid_count(leaf, part, &eax, &ebx, &ecx, &edx)) *this = Registers();
  }

 private:
  Registers() = default;
};

constexpr bool bit(uint32_t word, int at) { return (word >> at & 1) != 0; }

/** Which registers the system saves for each thread. */
uint32_t saved_registers() {
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

Processor this_processor() {
  const Registers vendor(0), basic(1), extended(7), more(7, 1);
  Processor result;
  result.is_intel = memcmp(&vendor.ebx, "Genu", 4) == 0 && memcmp(&vendor.edx, "ineI", 4) == 0;
  if (!bit(basic.ecx, 27)) return result;  // OSXSAVE: without it there is no xgetbv
  const uint32_t saved = saved_registers();
  const bool fma = bit(basic.ecx, 12), f16c = bit(basic.ecx, 29), avx = bit(basic.ecx, 28);
  result.avx2 = (saved & 0x6) == 0x6 && avx && fma && f16c && bit(extended.ebx, 5);
  const bool all = bit(extended.ebx, 16) && bit(extended.ebx, 17) && bit(extended.ebx, 30) && bit(extended.ebx, 31);
#if defined(__APPLE__)
  const uint32_t wide = 0x6;  // macOS saves the wide registers of a thread from their first use on
#else
  const uint32_t wide = 0xE6;
#endif
  result.avx512 = result.avx2 && (saved & wide) == wide && all;
  result.bf16_pairs = result.avx512 && bit(more.eax, 5);
  return result;
}

#else

Processor this_processor() { return {}; }

#endif

}  // namespace mossctl
