// AdamW over all parameters, and the global norm of their gradients: see src/tensor/ops/adamw.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* adamw(const Call& call);
const char* global_norm(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
