// SwiGLU, forward and backward: see src/tensor/ops/swiglu.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* swiglu(const Call& call);
const char* swiglu_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
