// Workers spin for a moment after each job, because a training step is hundreds of short jobs with little between
// them, then sleep on a condition variable: an idle process costs nothing.
#include "pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mossctl {

namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Pauses before giving up the core: some 50 µs. */
constexpr int spins = 4000;

/** Multiply-adds of some 10 µs on one core. */
constexpr double worth_waking = 1 << 19;

/** Spins until `done()`, and lets others run where that takes long (more threads than cores). */
template <typename Done>
void wait(Done done) {
  for (int i = 0; !done(); i++) {
    if (i < spins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace

struct Pool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  Job job = nullptr;
  void* context = nullptr;
  bool stopping = false;
  std::atomic<unsigned> generation{0};
  std::atomic<int> sleeping{0};
  std::atomic<int> running{0};
  std::atomic<int> arrived{0};
  std::atomic<unsigned> phase{0};
};

// Never destroyed: a worker may still be waiting when the process ends.
Pool& Pool::instance() {
  static Pool* pool = new Pool();
  return *pool;
}

// JavaScript says how many threads there should be: it knows the container's share of the machine.
Pool::Pool() : state_(new State()) {}

Pool::~Pool() {
  stop();
  delete state_;
}

void Pool::resize(int threads) {
  if (threads == threads_) return;
  stop();
  start(threads);
}

void Pool::start(int threads) {
  const unsigned seen = state_->generation.load(); // a job given before a worker first looks must not be missed
  for (int thread = 1; thread < threads; thread++) {
    try {
      state_->workers.emplace_back([this, thread, seen] { work(thread, seen); });
    } catch (const std::system_error&) {
      break;  // the system gives no more: `threads` says how many there are
    }
  }
  threads_ = active_ = static_cast<int>(state_->workers.size()) + 1;
}

void Pool::stop() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stopping = true;
    state_->generation.fetch_add(1);
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
  state_->workers.clear();
  state_->stopping = false;
}

namespace {

/** One thread for as long as it lives, also where the job throws. */
class Alone {
 public:
  Alone(int& active, int threads) : active_(active), threads_(threads) { active_ = 1; }
  ~Alone() { active_ = threads_; }

 private:
  int& active_;
  int threads_;
};

}  // namespace

void Pool::run(Job job, void* context, double multiply_adds) {
  State& s = *state_;
  if (alone(multiply_adds)) {
    const Alone guard(active_, threads_);
    job(context, 0);
    return;
  }
  s.job = job;
  s.context = context;
  s.running.store(threads_ - 1);
  s.generation.fetch_add(1);
  if (s.sleeping.load() > 0) {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.wake.notify_all();
  }
  job(context, 0);
  wait([&] { return s.running.load() == 0; });
}

bool Pool::alone(double multiply_adds) const { return threads_ == 1 || multiply_adds < worth_waking; }

void Pool::barrier() {
  State& s = *state_;
  if (active_ == 1) return;
  const unsigned phase = s.phase.load();
  if (s.arrived.fetch_add(1) + 1 == threads_) {
    s.arrived.store(0);
    s.phase.fetch_add(1);
    return;
  }
  wait([&] { return s.phase.load() != phase; });
}

void Pool::work(int thread, unsigned seen) {
  State& s = *state_;
  for (;;) {
    for (int i = 0; i < spins && s.generation.load() == seen; i++) relax();
    if (s.generation.load() == seen) {
      std::unique_lock<std::mutex> lock(s.mutex);
      s.sleeping.fetch_add(1);
      s.wake.wait(lock, [&] { return s.generation.load() != seen; });
      s.sleeping.fetch_sub(1);
    }
    seen = s.generation.load();
    if (s.stopping) return;
    s.job(s.context, thread);
    s.running.fetch_sub(1);
  }
}

}  // namespace mossctl
