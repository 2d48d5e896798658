// Draws of a step, each a thread's piece: see sample-row.h for how one is drawn. Log-probabilities are the cross-entropy's.
#include "sample-rows.h"

#include "sample-row.h"

namespace mossctl {
namespace MOSSCTL_ISA {

namespace {

struct RowDraw {
  int64_t row, id;  // a token that is given, not drawn; −1 where it is drawn
  int64_t top_k, first_seen, seen;
  double uniform, top_p, penalty;
  float inverse, least;  // of the temperature, 0 where greedy; weight that min-p asks for
  bool wants_log_probability;
};

int64_t draw_token(RowLogits& row, const RowDraw& draw) {
  const bool is_complete = row.find_top();
  if (!(row.top > -INFINITY && row.top < INFINITY)) return -1;
  if (draw.inverse == 0) return row.x[0] == row.x[0] ? row.argmax() : -1;
  if (!is_complete) return -1;
  row.inverse = draw.inverse;
  Cut cut;
  if (draw.top_k > 0) {
    cut = row.cut_to_likeliest(smaller(draw.top_k, row.size), draw.top_p);
  } else if (draw.top_p < 1) {
    cut = row.cut_to_nucleus(draw.top_p);
  }
  return row.draw(draw.uniform, cut, draw.least);
}

/** log softmax of x at `id`, as the cross-entropy computes it. */
float log_probability(const float* x, int64_t size, int64_t id) {
  Running running{-INFINITY, 0};
  for (int64_t first = 0; first < size; first += vocabulary_block) {
    add_logits(x + first, smaller(vocabulary_block, size - first), running);
  }
  const float lse = running.top + logf(running.total);
  const float nll = lse - x[id];
  return -nll;
}

struct SampleRows {
  int64_t rows, vocabulary, count, without;
  const float* logits;
  const int32_t* ids;  // those without a token, then what each draw has seen
  float* results;

  void run(const RowDraw& draw, float* result) const {
    const float* x = logits + draw.row * vocabulary;
    int64_t id = draw.id;
    if (id < 0) id = draw_token(draw, x);
    result[0] = static_cast<float>(id);
    result[1] = draw.wants_log_probability && id >= 0 ? log_probability(x, vocabulary, id) : 0;
  }

  int64_t draw_token(const RowDraw& draw, const float* x) const {
    const int64_t most = draw.top_k > 0 ? smaller(draw.top_k, vocabulary) : draw.top_p < 1 ? vocabulary : 0;
    const int64_t blocks = ceil_div(vocabulary, sample_block);
    float* scratch = thread_scratch(slot_other, vocabulary + 2 * blocks + 1 + sample_block +
                                                    ceil_div(vocabulary, sample_chunk) + most);
    RowLogits row{};
    row.size = vocabulary;
    row.sums = reinterpret_cast<double*>(scratch);
    row.block = scratch + 2 * blocks;
    row.peaks = row.block + sample_block;
    float* heap = row.peaks + ceil_div(vocabulary, sample_chunk);
    row.heap = reinterpret_cast<int32_t*>(heap);
    row.x = x;
    if (draw.penalty != 1 || without > 0) {
      float* own = heap + most;
      memcpy(own, x, static_cast<size_t>(vocabulary) * sizeof(float));
      if (draw.penalty != 1) {
        for (int64_t i = 0; i < draw.seen; i++) {
          float& logit = own[ids[draw.first_seen + i]];
          logit = static_cast<float>(logit > 0 ? logit / draw.penalty : logit * draw.penalty);
        }
      }
      for (int64_t i = 0; i < without; i++) own[ids[i]] = -INFINITY;
      row.x = own;
    }
    return MOSSCTL_ISA::draw_token(row, draw);
  }
};

constexpr int numbers_of_draw = 11;
constexpr double work_of_logit = 16;  // in multiply-adds, about

const char* read_draw(const Call& call, int at, const SampleRows& all, RowDraw& draw) {
  draw.row = call.number(at);
  draw.id = call.number(at + 1) - 1;
  draw.uniform = call.numbers[at + 2];
  draw.inverse = static_cast<float>(call.numbers[at + 3]);
  draw.top_k = call.number(at + 4);
  draw.top_p = call.numbers[at + 5];
  draw.least = static_cast<float>(call.numbers[at + 6]) * 4294967296.0f;
  draw.penalty = call.numbers[at + 7];
  draw.first_seen = call.number(at + 8);
  draw.seen = call.number(at + 9);
  draw.wants_log_probability = call.numbers[at + 10] != 0;
  REQUIRE(draw.row >= 0 && draw.row < all.rows, "a draw's row");
  REQUIRE(call.number(at + 1) >= 0 && draw.id < all.vocabulary, "an id is not in the vocabulary");
  REQUIRE(draw.uniform >= 0 && draw.uniform <= 1, "a uniform number is from 0 to 1");
  REQUIRE(draw.inverse >= 0 && draw.inverse < INFINITY, "the inverse of a temperature");
  REQUIRE(draw.top_k >= 0 && draw.top_p > 0 && draw.top_p <= 1, "top-k or top-p");
  REQUIRE(draw.least >= 0 && draw.least <= 4294967296.0f, "min-p");
  REQUIRE(draw.penalty > 0 && draw.penalty < INFINITY, "a repetition penalty");
  const int64_t ids = call.tensors[1].size;
  REQUIRE(draw.first_seen >= 0 && draw.first_seen <= ids && draw.seen >= 0 && draw.seen <= ids - draw.first_seen,
          "ids that were seen");
  return nullptr;
}

}  // namespace

// Tensors: logits [rows, V], ids int32, results [draws, 2] (id, or −1 where the logits are not finite; log-probability).
// Numbers: rows, V, draws, ids without a token; then for each draw its row, 1 + a given id or 0, uniform number,
// 1 / temperature or 0, top-k, top-p, min-p, repetition penalty, where the ids that it has seen begin among the ids and how
// many they are, whether its log-probability is wanted.
const char* sample_rows(const Call& call) {
  REQUIRE(call.tensor_count == 3 && call.number_count >= 4, "3 tensors and 4 numbers or more");
  SampleRows all{};
  all.rows = call.number(0);
  all.vocabulary = call.number(1);
  all.count = call.number(2);
  all.without = call.number(3);
  REQUIRE(all.vocabulary >= 1 && all.vocabulary <= 1l << 21, "a vocabulary of 1 to 2^21");
  REQUIRE(call.holds(0, all.rows, all.vocabulary) && call.holds(2, all.count, 2), "sizes of logits or results");
  REQUIRE(call.number_count == 4 + numbers_of_draw * all.count, "11 numbers for each draw");
  const int64_t ids = call.tensors[1].size;
  all.logits = call.floats(0);
  all.ids = call.integers(1);
  all.results = call.floats(2);
  REQUIRE(all.without >= 0 && all.without <= ids, "ids without a token");
  REQUIRE(all_within(all.ids, ids, all.vocabulary), "an id is not in the vocabulary");
  for (int64_t i = 0; i < all.count; i++) {
    RowDraw draw{};
    if (const char* fault = read_draw(call, 4 + numbers_of_draw * static_cast<int>(i), all, draw)) return fault;
  }
  in_pieces(all.count, work_of_logit * all.count * all.vocabulary, [&](int64_t i, int) {
    RowDraw draw{};
    read_draw(call, 4 + numbers_of_draw * static_cast<int>(i), all, draw);
    all.run(draw, all.results + 2 * i);
  });
  return nullptr;
}

}  // namespace MOSSCTL_ISA
}  // namespace mossctl
