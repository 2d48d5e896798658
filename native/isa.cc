// Every kernel, compiled once per instruction set: -DMOSSCTL_ISA=<name> and the compiler flags that go with it.
// One translation unit, so that nothing of one instruction set can be linked into another.
#include "kernels.h"
#include "kernels/adamw.cc"
#include "kernels/attention-cached.cc"
#include "kernels/attention-grad.cc"
#include "kernels/attention-work.cc"
#include "kernels/attention.cc"
#include "kernels/binary.cc"
#include "kernels/copy.cc"
#include "kernels/cross-entropy-sum.cc"
#include "kernels/cross-entropy.cc"
#include "kernels/dropout.cc"
#include "kernels/elementwise.cc"
#include "kernels/embedding.cc"
#include "kernels/gemm.cc"
#include "kernels/linear.cc"
#include "kernels/linear-strips.cc"
#include "kernels/machine.cc"
#include "kernels/muon.cc"
#include "kernels/pack.cc"
#include "kernels/rms-norm.cc"
#include "kernels/rotary.cc"
#include "kernels/sample-rows.cc"
#include "kernels/sort.cc"
#include "kernels/sum.cc"
#include "kernels/swiglu.cc"

namespace mossctl {
namespace MOSSCTL_ISA {

#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)

const KernelTable& table() {
  static const Kernel kernels[] = {
      {"AdamW", adamw},
      {"Attention", attention},
      {"AttentionGrad", attention_grad},
      {"Binary", binary},
      {"CachedAttention", cached_attention},
      {"CastToFloat", cast_to_float},
      {"CastToInt", cast_to_int},
      {"Copy", copy},
      {"CopyColumns", copy_columns},
      {"CrossEntropy", cross_entropy},
      {"CrossEntropyGrad", cross_entropy_grad},
      {"CrossEntropySum", cross_entropy_sum},
      {"Dropout", dropout},
      {"Embedding", embedding},
      {"EmbeddingGrad", embedding_grad},
      {"Fill", fill},
      {"GlobalNorm", global_norm},
      {"Linear", linear},
      {"LinearGrad", linear_grad},
      {"LinearPacked", linear_packed},
      {"PackLinear", pack_linear},
      {"PackLinearQ8", pack_linear_q8},
      {"Muon", muon},
      {"RmsNorm", rms_norm},
      {"RmsNormGrad", rms_norm_grad},
      {"Rotary", rotary},
      {"SampleRows", sample_rows},
      {"Sort", sort},
      {"SortGrad", sort_grad},
      {"Sum", sum_axes},
      {"Swiglu", swiglu},
      {"SwigluGrad", swiglu_grad},
      {"Unary", unary},
  };
  static const KernelTable result{TEXT(MOSSCTL_ISA), kernels, sizeof kernels / sizeof kernels[0], probe_fma,
                                  probe_bandwidth, packed_floats};
  return result;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
