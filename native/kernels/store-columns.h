// New columns of a cache of keys or values: see src/tensor/ops/store-columns.ts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* store_columns(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
