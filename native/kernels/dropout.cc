// y = x · factor where the hash of an element's place is not below a threshold, else 0. Nothing is drawn in turn and nothing
// is kept: any thread, and the backward pass, finds the same elements by computing the same hashes.
#include "dropout.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace places {

static inline __attribute__((always_inline)) vu mix(vu z) {
  z = (z ^ (z >> 16)) * 0x21f0aaadu;
  z = (z ^ (z >> 15)) * 0x735a2d97u;
  return z ^ (z >> 15);
}

/** hashAt of src/base/random.ts, of `first` and the places after it. */
static inline __attribute__((always_inline)) vu hashes(int64_t first, uint32_t a, uint32_t b) {
  vu place{};
  for (int i = 0; i < W; i++) place[i] = static_cast<uint32_t>(first + i);
  return mix(mix(place * 0x9e3779b9u + a) ^ b);
}

}  // namespace places

// Tensors: x, y. Numbers: size, threshold (of 2^32), factor, two of the key.
const char* dropout(const Call& call) {
  REQUIRE(call.tensor_count == 2 && call.number_count == 5, "2 tensors and 5 numbers");
  const int64_t size = call.number(0);
  REQUIRE(call.holds(0, size) && call.holds(1, size), "sizes of x or y");
  for (const int i : {1, 3, 4}) REQUIRE(call.number(i) >= 0 && call.number(i) < int64_t{1} << 32, "threshold or key");
  const uint32_t threshold = static_cast<uint32_t>(call.number(1));
  const uint32_t a = static_cast<uint32_t>(call.number(3)), b = static_cast<uint32_t>(call.number(4));
  const float factor = static_cast<float>(call.numbers[2]);
  split_elements(size, [&](int64_t first, int64_t n) {
    const float* x = call.floats(0) + first;
    float* y = call.floats(1) + first;
    for (int64_t i = 0; i < n; i += W) {
      const int64_t some = smaller(W, n - i);
      const vf scaled = (some == W ? load(x + i) : load_some(x + i, some)) * factor;
      const auto kept = places::hashes(first + i, a, b) >= threshold - vu{};
      const vf result = from_bits(reinterpret_cast<const vu&>(scaled) & reinterpret_cast<const vu&>(kept));
      if (some == W) store(y + i, result);
      else store_some(y + i, result, some);
    }
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
