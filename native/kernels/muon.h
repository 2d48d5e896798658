// Muon over all its matrices: see src/tensor/ops/muon.ts.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* muon(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
