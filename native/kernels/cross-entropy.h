// Output projection and cross-entropy in one, forward and backward: see src/tensor/ops/cross-entropy.ts.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* cross_entropy(const Call& call);
const char* cross_entropy_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
