// Attention of new tokens over a cache of keys and values: see src/tensor/ops/cached-attention.ts.
#pragma once

#include "../call.h"
#include "../simd.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* cached_attention(const Call& call);
const char* copy_columns(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
