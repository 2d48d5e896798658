#include "frames.h"

#include <cmath>
#include <cstdio>
#include <new>
#include <vector>

#include "memory.h"
#include "pool.h"

namespace mossctl {

namespace {

bool is(Fault& fault, const char* message) {
  snprintf(fault.text, sizeof fault.text, "%s", message);
  return true;
}

}  // namespace

int64_t whole(double value, double limit) {
  return value >= 0 && value <= limit && value == std::floor(value) ? static_cast<int64_t>(value) : -1;
}

bool call_fails(const KernelTable& table, int64_t index, const double* frame, int64_t length, Fault& fault) {
  if (index < 0) return is(fault, "call: no such kernel");
  const int64_t tensor_count = length < 2 ? -1 : whole(frame[0], 1 << 20);
  const int64_t number_count = length < 2 ? -1 : whole(frame[1], 1 << 20);
  if (tensor_count < 0 || number_count < 0 || 2 + 2 * tensor_count + number_count != length) {
    return is(fault, "call: the frame does not hold what it says");
  }
  static std::vector<Tensor> of_courses[Pool::most_courses];
  std::vector<Tensor>& tensors = of_courses[Pool::course()];
  const Kernel& kernel = table.kernels[index];
  const char* message = nullptr;
  try {
    tensors.resize(static_cast<size_t>(tensor_count));
    for (int64_t i = 0; i < tensor_count; i++) {
      const int64_t address = whole(frame[2 + 2 * i], largest_address);
      const int64_t size = whole(frame[3 + 2 * i], largest_address / 8);
      void* place = reinterpret_cast<void*>(address);
      if (address < 0 || size < 0 || address % 4 != 0 || !in_slab(place, static_cast<size_t>(size) * 4)) {
        snprintf(fault.text, sizeof fault.text, "%s: tensor %lld is not in the arena", kernel.name, i);
        return true;
      }
      tensors[static_cast<size_t>(i)] = {place, size};
    }
    const double* numbers = frame + 2 + 2 * tensor_count;
    const Fence fence(tensors.data(), static_cast<int>(tensor_count));
    message = kernel.run({tensors.data(), static_cast<int>(tensor_count), numbers, static_cast<int>(number_count)});
  } catch (const std::bad_alloc&) {
    message = "out of memory";
  }
  if (message != nullptr) snprintf(fault.text, sizeof fault.text, "%s: %s", kernel.name, message);
  return message != nullptr;
}

bool replay_fails(const KernelTable& table, Numbers frames, Fault& fault) {
  for (size_t at = 0; at < frames.length;) {
    const size_t rest = frames.length - at;
    const double* here = frames.numbers + at;
    const int64_t length = rest < 2 ? -1 : whole(here[1], static_cast<double>(rest - 2));
    if (length < 0) return is(fault, "replay: the frames do not hold what they say");
    if (call_fails(table, whole(here[0], table.count - 1), here + 2, length, fault)) return true;
    at += 2 + static_cast<size_t>(length);
  }
  return false;
}

bool replay_two_fails(const KernelTable& table, Numbers first, Numbers second, size_t lead, Fault& fault) {
  if (replay_fails(table, {first.numbers, lead}, fault)) return true;
  struct Two {
    const KernelTable& table;
    Numbers frames[2];
    Fault faults[2];
    bool have_failed[2];

    static void run(void* context, int i) {
      Two& two = *static_cast<Two*>(context);
      two.have_failed[i] = replay_fails(two.table, two.frames[i], two.faults[i]);
    }
  } two{table, {{first.numbers + lead, first.length - lead}, second}, {}, {}};
  if (Fence::is_real) {  // it lets nobody touch the other's tensors meanwhile
    for (int i = 0; i < 2; i++) Two::run(&two, i);
  } else {
    Pool::instance().run_two(Two::run, &two);
  }
  for (int i = 0; i < 2; i++) {
    if (!two.have_failed[i]) continue;
    fault = two.faults[i];
    return true;
  }
  return false;
}

}  // namespace mossctl
