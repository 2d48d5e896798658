// Dropout: see src/tensor/ops/dropout.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* dropout(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
