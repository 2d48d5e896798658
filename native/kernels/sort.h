// A vector in ascending order, and its gradient: see src/tensor/ops/sort.ts.
#pragma once

#include "../call.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* sort(const Call& call);
const char* sort_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
