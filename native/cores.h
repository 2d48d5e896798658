// Where threads run. A system that sees two threads take turns on one core, each waiting for the other, counts one busy
// core and leaves them there, also where another program has the other core for itself.
#pragma once

namespace mossctl {

/** The core that the calling thread runs on; −1 where the system does not say. */
int current_core();
/** Cores that the calling thread may run on; 0 where the system does not say. */
int usable_cores();
/** Moves the calling thread off these cores, if it may run on another, and leaves it free to go anywhere. */
void leave_cores(const int* cores, int count);

}  // namespace mossctl
