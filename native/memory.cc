#include "memory.h"

#include <stdint.h>
#include <stdlib.h>

#include <atomic>
#include <new>
#include <vector>

#include "pool.h"

#if defined(__linux__)
#include <sys/mman.h>
#elif defined(__APPLE__)
#include <dlfcn.h>
#elif defined(_WIN32)
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <malloc.h>
#include <windows.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(data, bytes) ((void)(data), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(data, bytes) ((void)(data), (void)(bytes))
#endif

namespace mossctl {

namespace {

struct Slab {
  uintptr_t begin, end;
};
std::vector<Slab> slabs;

constexpr size_t huge_page = size_t{2} << 20;

/** Pages of 2 MiB save the processor most of its address look-ups. Only advice: it may be ignored. */
void prefer_huge_pages(uintptr_t begin, uintptr_t end) {
#if defined(__linux__)
  begin = (begin + huge_page - 1) / huge_page * huge_page;
  end = end / huge_page * huge_page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)begin;
  (void)end;
#endif
}

std::atomic<size_t> held{0};

class Scratch {
 public:
  ~Scratch() {
    for (Slot& slot : slots_) release(slot);
  }

  float* take(int index, int64_t floats) {
    Slot& slot = slots_[index];
    const size_t bytes = static_cast<size_t>(floats > 0 ? floats : 1) * sizeof(float);
    if (bytes > slot.bytes) {
      release(slot);
      const size_t unit = bytes >= huge_page ? huge_page : 4096;
      const size_t rounded = (bytes + unit - 1) / unit * unit;
      slot.data = allocate_aligned(unit, rounded);
      if (slot.data == nullptr) throw std::bad_alloc();
      const uintptr_t begin = reinterpret_cast<uintptr_t>(slot.data);
      prefer_huge_pages(begin, begin + rounded);
      slot.bytes = rounded;
      held += rounded;
    }
    return static_cast<float*>(slot.data);
  }

 private:
  struct Slot {
    void* data = nullptr;
    size_t bytes = 0;
  };

  static void release(Slot& slot) {
    free_aligned(slot.data);
    held -= slot.bytes;
    slot = {};
  }

  Slot slots_[8];
};

}  // namespace

void stay_loaded() {
#if defined(__APPLE__)
  Dl_info own;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &own) != 0) dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
#elif defined(_WIN32)
  HMODULE own;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                     reinterpret_cast<LPCWSTR>(&stay_loaded), &own);
#endif
}

void* allocate_aligned(size_t unit, size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, unit);
#else
  void* data = nullptr;
  return posix_memalign(&data, unit, bytes) == 0 ? data : nullptr;
#endif
}

void free_aligned(void* data) {
#if defined(_WIN32)
  _aligned_free(data);
#else
  free(data);
#endif
}

void add_slab(void* data, size_t bytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  slabs.push_back({begin, begin + bytes});
  prefer_huge_pages(begin, begin + bytes);
}

void remove_slab(void* data) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  for (size_t i = 0; i < slabs.size(); i++) {
    if (slabs[i].begin == begin) {
      slabs.erase(slabs.begin() + static_cast<int64_t>(i));
      return;
    }
  }
}

bool in_slab(const void* data, size_t bytes) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data);
  for (const Slab& slab : slabs) {
    if (begin >= slab.begin && begin <= slab.end && bytes <= slab.end - begin) return true;
  }
  return false;
}

Fence::Fence(const Tensor* tensors, int count) {
  for (const Slab& slab : slabs) {
    ASAN_POISON_MEMORY_REGION(reinterpret_cast<void*>(slab.begin), slab.end - slab.begin);
  }
  for (int i = 0; i < count; i++) {
    ASAN_UNPOISON_MEMORY_REGION(tensors[i].data, static_cast<size_t>(tensors[i].size) * 4);
  }
}

Fence::~Fence() {
  for (const Slab& slab : slabs) {
    ASAN_UNPOISON_MEMORY_REGION(reinterpret_cast<void*>(slab.begin), slab.end - slab.begin);
  }
}

float* thread_scratch(int slot, int64_t floats) {
  static thread_local Scratch scratch;
  return scratch.take(slot, floats);
}

float* shared_scratch(int slot, int64_t floats) {
  static Scratch* scratch = new Scratch[Pool::most_courses];
  return scratch[Pool::course()].take(slot, floats);
}

size_t scratch_bytes() { return held; }

}  // namespace mossctl
