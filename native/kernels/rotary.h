// Rotary position embedding: see src/tensor/ops/rotary.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* rotary(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
