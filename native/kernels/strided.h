// Kernels over tensors of any rank (to 6) given by their strides: two operands with broadcasting, sums over axes, copies.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* binary(const Call& call);
const char* sum_axes(const Call& call);
const char* copy(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
