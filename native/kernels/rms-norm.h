// RMSNorm, forward and backward: see src/tensor/ops/rms-norm.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* rms_norm(const Call& call);
const char* rms_norm_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
