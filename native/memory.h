// The memory that kernels may touch: slabs registered by JavaScript, which cuts them into tensors (src/tensor/native/
// arena.ts), and scratch of our own that is kept between calls.
#pragma once

#include <stddef.h>

#include "call.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

namespace mossctl {

void add_slab(void* data, size_t bytes);
void remove_slab(void* data);
/** Whether the bytes lie inside one slab. */
bool in_slab(const void* data, size_t bytes);

/** While it lives, in a build with AddressSanitizer: of all slabs, only these tensors may be touched. */
class Fence {
 public:
  Fence(const Tensor* tensors, int count);
  ~Fence();

#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool is_real = true;
#else
  static constexpr bool is_real = false;
#endif
};

/**
 * Keeps this code in the process to its end. Node closes an addon when the last of its threads that loaded it ends, and our
 * own threads would then run where nothing is mapped. On Linux the linker sees to it (-z nodelete).
 */
void stay_loaded();

/** Memory of the system's, aligned to `unit` bytes (a power of two); nullptr where there is none. */
void* allocate_aligned(size_t unit, size_t bytes);
void free_aligned(void* data);

/** Scratch floats of the calling thread, aligned to 64 bytes. What a slot held is lost when it grows. */
float* thread_scratch(int slot, int64_t floats);
/** Scratch floats that all threads of a job share: taken before the job starts. Each of two courses has its own. */
float* shared_scratch(int slot, int64_t floats);
/** Bytes of scratch held by all threads. */
size_t scratch_bytes();

}  // namespace mossctl
