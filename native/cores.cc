#include "cores.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace mossctl {

#if defined(__linux__)

int current_core() { return sched_getcpu(); }

int usable_cores() {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}

void leave_cores(const int* cores, int count) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t others = allowed;
  for (int i = 0; i < count; i++) {
    if (cores[i] >= 0 && cores[i] < CPU_SETSIZE) CPU_CLR(cores[i], &others);
  }
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

#else

int current_core() { return -1; }
int usable_cores() { return 0; }
void leave_cores(const int*, int) {}

#endif

}  // namespace mossctl
