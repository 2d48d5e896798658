// Plain functions of every element, fills and casts.
#pragma once

#include "work.h"

namespace mossctl {
namespace MOSSCTL_ISA {

const char* unary(const Call& call);
const char* fill(const Call& call);
const char* cast_to_float(const Call& call);
const char* cast_to_int(const Call& call);

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
