// Linear layer, forward and backward: see src/tensor/ops/linear.ts.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* linear(const Call& call);
const char* linear_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
