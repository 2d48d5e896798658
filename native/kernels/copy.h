// Strided copies: see strided.h for how axes are given.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* copy(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
