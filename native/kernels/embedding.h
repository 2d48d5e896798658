// Embedding look-up and its gradient: see src/tensor/ops/embedding.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* embedding(const Call& call);
const char* embedding_grad(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
