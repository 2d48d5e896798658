// Attention over ranges of keys, forward and backward: see src/tensor/ops/attention.ts.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* attention(const Call& call);
const char* attention_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
