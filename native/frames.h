// A kernel's call as a frame of numbers: [tensors, numbers, address, elements, address, elements, …, number, number, …].
// Every address is checked against the registered slabs here, and every kernel checks its sizes.
#pragma once

#include <stddef.h>

#include "kernels.h"

namespace mossctl {

struct Numbers {
  const double* numbers = nullptr;
  size_t length = 0;
};

/** What is wrong with a call. */
struct Fault {
  char text[160] = "";
};

constexpr double largest_address = 9007199254740992.0;  // 2^53: exact as a double
/** A whole number from 0 to `limit`, or −1. */
int64_t whole(double value, double limit);

/** Runs kernel `index` on a frame of `length` numbers; true where there was a fault. */
bool call_fails(const KernelTable& table, int64_t index, const double* frame, int64_t length, Fault& fault);
/** Many calls, one after the other: the kernel's index and the frame's length go before each frame. */
bool replay_fails(const KernelTable& table, Numbers frames, Fault& fault);
/**
 * Two such lots, neither of which writes what the other reads or writes, side by side (Pool::run_two); `lead` numbers of
 * the first go before.
 */
bool replay_two_fails(const KernelTable& table, Numbers first, Numbers second, size_t lead, Fault& fault);

}  // namespace mossctl
