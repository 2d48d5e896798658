// The whole surface that JavaScript sees: calls of kernels (frames.h says how one is written), memory, threads and
// precision. Whatever is wrong with a call is a JavaScript error.
#include <node_api.h>

#include <cmath>
#include <cstring>
#include <mutex>

#include "frames.h"
#include "kernels.h"
#include "memory.h"
#include "pool.h"
#include "processor.h"

namespace mossctl {

namespace {

Precision current_precision = Precision::fp32;

const Processor processor = this_processor();

/** The widest instruction set that this processor runs; nullptr where it runs none of ours. */
const KernelTable* choose() {
#if defined(__x86_64__)
  if (processor.avx512) return &avx512::table();
  return processor.avx2 ? &avx2::table() : nullptr;
#elif defined(__aarch64__)
  return &neon::table();
#else
  return nullptr;
#endif
}

const KernelTable* table = nullptr;

napi_value fail(napi_env env, const char* message) {
  napi_throw_error(env, nullptr, message);
  return nullptr;
}

/** Up to four arguments; missing ones are undefined. */
struct Arguments {
  napi_value at[4];

  Arguments(napi_env env, napi_callback_info info) {
    size_t count = 4;
    napi_get_cb_info(env, info, &count, at, nullptr, nullptr);
  }
  double number(napi_env env, int i) const {
    double value = NAN;
    napi_get_value_double(env, at[i], &value);
    return value;
  }
};

napi_value number_value(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

napi_value string_value(napi_env env, const char* value) {
  napi_value result;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

/** The numbers of a Float64Array, or none where the value is something else. */
struct Frame : Numbers {
  Frame(napi_env env, napi_value value) {
    napi_typedarray_type type;
    void* data = nullptr;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != napi_float64_array) {
      length = 0;
    } else {
      numbers = static_cast<const double*>(data);
    }
  }
};

napi_value call(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Frame frame(env, arguments.at[1]);
  if (frame.numbers == nullptr) return fail(env, "call: the frame must be a Float64Array");
  const int64_t index = whole(arguments.number(env, 0), table->count - 1);
  const int64_t length = whole(arguments.number(env, 2), static_cast<double>(frame.length));
  Fault fault;
  return call_fails(*table, index, frame.numbers, length, fault) ? fail(env, fault.text) : nullptr;
}

napi_value replay(napi_env env, napi_callback_info info) {
  const Frame frames(env, Arguments(env, info).at[0]);
  if (frames.numbers == nullptr) return fail(env, "replay: the frames must be a Float64Array");
  Fault fault;
  return replay_fails(*table, frames, fault) ? fail(env, fault.text) : nullptr;
}

napi_value replay_two(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const Frame first(env, arguments.at[0]), second(env, arguments.at[1]);
  if (first.numbers == nullptr || second.numbers == nullptr) {
    return fail(env, "replayTwo: the frames must be Float64Arrays");
  }
  const int64_t lead = whole(arguments.number(env, 2), static_cast<double>(first.length));
  if (lead < 0) return fail(env, "replayTwo: the lead is a count of the first one's numbers");
  Fault fault;
  return replay_two_fails(*table, first, second, static_cast<size_t>(lead), fault) ? fail(env, fault.text) : nullptr;
}

napi_value register_slab(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  void* data = nullptr;
  size_t bytes = 0;
  if (napi_get_arraybuffer_info(env, arguments.at[0], &data, &bytes) != napi_ok) {
    return fail(env, "addSlab: an ArrayBuffer is needed");
  }
  add_slab(data, bytes);
  return number_value(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)));
}

napi_value unregister_slab(napi_env env, napi_callback_info info) {
  const int64_t address = whole(Arguments(env, info).number(env, 0), largest_address);
  if (address < 0) return fail(env, "removeSlab: an address is needed");
  remove_slab(reinterpret_cast<void*>(address));
  return nullptr;
}

napi_value set_threads(napi_env env, napi_callback_info info) {
  const int64_t threads = whole(Arguments(env, info).number(env, 0), 256);
  if (threads < 1) return fail(env, "setThreads: 1 to 256 threads");
  Pool::instance().resize(static_cast<int>(threads));
  return nullptr;
}

napi_value threads(napi_env env, napi_callback_info) { return number_value(env, Pool::instance().threads()); }

bool has_pairs() {
#if defined(__x86_64__) && !defined(MOSSCTL_NO_BF16_PAIRS)
  return processor.bf16_pairs;
#else
  return false;
#endif
}

/**
 * Intel's AVX-512 processors run VDPBF16PS at a quarter of the rate of their fp32 multiply-adds (measured on Sapphire
 * Rapids: 86 against 175 GFLOP/s a core), so there rounded operands in fp32 arithmetic are twice as fast.
 */
bool pairs_are_fast() {
  return has_pairs() && !processor.is_intel;
}

napi_value set_precision(napi_env env, napi_callback_info info) {
  char name[16] = "";
  size_t length = 0;
  napi_get_value_string_utf8(env, Arguments(env, info).at[0], name, sizeof name, &length);
  const bool pairs = strcmp(name, "bf16-pairs") == 0;
  if (strcmp(name, "fp32") == 0) {
    current_precision = Precision::fp32;
  } else if (strcmp(name, "bf16") == 0) {
    current_precision = pairs_are_fast() ? Precision::bf16_pairs : Precision::bf16;
  } else if (pairs && has_pairs()) {
    current_precision = Precision::bf16_pairs;
  } else {
    return fail(env, pairs ? "setPrecision: this processor has no bf16 products" : "setPrecision: fp32 or bf16");
  }
  return nullptr;
}

napi_value isa(napi_env env, napi_callback_info) { return string_value(env, table->isa); }

napi_value scratch(napi_env env, napi_callback_info) {
  return number_value(env, static_cast<double>(scratch_bytes()));
}

napi_value has_bf16(napi_env env, napi_callback_info) {
  napi_value result;
  napi_get_boolean(env, has_pairs(), &result);
  return result;
}

napi_value bf16_is_fast(napi_env env, napi_callback_info) {
  napi_value result;
  napi_get_boolean(env, pairs_are_fast(), &result);
  return result;
}

napi_value probe_fma(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  char name[8] = "";
  size_t length = 0;
  napi_get_value_string_utf8(env, arguments.at[0], name, sizeof name, &length);
  const int64_t count = whole(arguments.number(env, 1), 256);
  if (count < 1) return fail(env, "probeFma: 1 to 256 threads");
  const bool bf16 = name[0] == 'b';
  return number_value(env, bf16 && !has_pairs() ? 0 : table->probe_fma(bf16, static_cast<int>(count)));
}

napi_value probe_bandwidth(napi_env env, napi_callback_info info) {
  const int64_t count = whole(Arguments(env, info).number(env, 0), 256);
  if (count < 1) return fail(env, "probeBandwidth: 1 to 256 threads");
  return number_value(env, table->probe_bandwidth(static_cast<int>(count)));
}

napi_value packed_floats(napi_env env, napi_callback_info info) {
  const Arguments arguments(env, info);
  const int64_t out = whole(arguments.number(env, 0), 1 << 30), in = whole(arguments.number(env, 1), 1 << 30);
  if (out < 0 || in < 0) return fail(env, "packedFloats: the sizes of a matrix");
  bool q8 = false;
  napi_get_value_bool(env, arguments.at[2], &q8);
  return number_value(env, static_cast<double>(table->packed_floats(out, in, q8)));
}

napi_value names(napi_env env) {
  napi_value list;
  napi_create_array_with_length(env, static_cast<size_t>(table->count), &list);
  for (int i = 0; i < table->count; i++) {
    napi_set_element(env, list, static_cast<uint32_t>(i), string_value(env, table->kernels[i].name));
  }
  return list;
}

/** Memory, threads and scratch are the process's: where several of Node's worker threads compute, they take turns. */
std::mutex turn;
template <napi_callback function>
napi_value one_at_a_time(napi_env env, napi_callback_info info) {
  const std::lock_guard<std::mutex> lock(turn);
  return function(env, info);
}

napi_value init(napi_env env, napi_value exports) {
  stay_loaded();
  table = choose();
  if (table == nullptr) return fail(env, "this processor lacks AVX2 and FMA");
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {{"call", one_at_a_time<call>},
                   {"replay", one_at_a_time<replay>},
                   {"replayTwo", one_at_a_time<replay_two>},
                   {"addSlab", one_at_a_time<register_slab>},
                   {"removeSlab", one_at_a_time<unregister_slab>},
                   {"setThreads", one_at_a_time<set_threads>},
                   {"threads", one_at_a_time<threads>},
                   {"setPrecision", one_at_a_time<set_precision>},
                   {"isa", one_at_a_time<isa>},
                   {"scratchBytes", one_at_a_time<scratch>},
                   {"hasBf16", one_at_a_time<has_bf16>},
                   {"bf16IsFast", one_at_a_time<bf16_is_fast>},
                   {"probeFma", one_at_a_time<probe_fma>},
                   {"probeBandwidth", one_at_a_time<probe_bandwidth>},
                   {"packedFloats", one_at_a_time<packed_floats>}};
  for (const auto& entry : functions) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, nullptr, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  napi_set_named_property(env, exports, "kernels", names(env));
  return exports;
}

}  // namespace

Precision precision() { return current_precision; }

}  // namespace mossctl

NAPI_MODULE_INIT() { return mossctl::init(env, exports); }
