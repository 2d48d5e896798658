// Tokens drawn from logits, and their log-probabilities: see src/tensor/ops/sample-rows.ts.
#pragma once

#include "cross-entropy.h"
#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* sample_rows(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
