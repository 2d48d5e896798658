// A job is one word: its number and how many of its pieces nobody has taken. Taking a piece counts that word down, so a
// thread that comes late finds a later job or none, and never an old one. Who has nothing to take spins for a moment,
// because a training step is hundreds of short jobs with little between them, then sleeps: a thread that spins keeps a
// core from another that holds a piece.
#include "pool.h"

#include "cores.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <new>
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

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

/** How long to spin before sleeping. */
constexpr Clock::duration patience = microseconds(50);
/**
 * A worker spins for longer where its last wait was short too: between the steps of decoding it is some 300 µs, and who
 * sleeps through them comes late to the next.
 */
constexpr Clock::duration most_patience = microseconds(600);

/** Multiply-adds of some 10 µs on one core. */
constexpr double worth_waking = 1 << 19;

/** Whether `done()` came true within the time. */
template <typename Done>
bool spin(Done done, Clock::duration time = patience) {
  const auto until = Clock::now() + time;
  do {
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      relax();
    }
  } while (Clock::now() < until);
  return false;
}

/** How often a thread looks whether it shares its core with another of the pool. */
constexpr Clock::duration spread_every = microseconds(500);

constexpr int most_threads = 256;
constexpr uint64_t job_unit = uint64_t{1} << 32;
constexpr uint64_t pieces_of(uint64_t open) { return open & (job_unit - 1); }

}  // namespace

struct Pool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake, finished;
  /** The job's number in the high half, pieces that nobody has taken in the low one. */
  std::atomic<uint64_t> open{0};
  /** Pieces that are not done. */
  std::atomic<long> left{0};
  std::atomic<int> sleeping{0};
  std::atomic<bool> caller_sleeps{false};
  std::atomic<bool> stopping{false};
  /** Whether memory ran out in a piece of the open job. */
  std::atomic<bool> failed{false};
  /** The core on which each thread took its last piece. */
  std::atomic<int> cores[most_threads] = {};
  // Of the open job; whoever holds a piece may read them.
  Piece run_piece = nullptr;
  void* context = nullptr;
  long count = 0;
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
  for (int thread = 1; thread < threads; thread++) {
    try {
      state_->workers.emplace_back([this, thread, threads] { work(thread, threads); });
    } catch (const std::system_error&) {
      break;  // the system gives no more: `threads` says how many there are
    }
  }
  threads_ = active_ = static_cast<int>(state_->workers.size()) + 1;
}

void Pool::stop() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stopping.store(true);
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
  state_->workers.clear();
  state_->stopping.store(false);
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

void Pool::run(Piece run_piece, void* context, long count, double multiply_adds) {
  State& s = *state_;
  if (alone(multiply_adds) || count == 1) {
    const Alone guard(active_, threads_);
    for (long piece = 0; piece < count; piece++) run_piece(context, piece, 0);
    return;
  }
  if (count <= 0) return;
  s.run_piece = run_piece;
  s.context = context;
  s.count = count;
  s.failed.store(false);
  s.arrived.store(0);
  s.left.store(count);
  s.open.store((s.open.load() / job_unit + 1) * job_unit + static_cast<uint64_t>(count));
  if (s.sleeping.load() > 0) {
    { std::lock_guard<std::mutex> lock(s.mutex); }
    s.wake.notify_all();
  }
  while (take(0)) {
  }
  finish();
  if (s.failed.load()) throw std::bad_alloc();
}

/** Waits for the pieces that others hold. */
void Pool::finish() {
  State& s = *state_;
  const auto done = [&] { return s.left.load() == 0; };
  if (spin(done)) return;
  std::unique_lock<std::mutex> lock(s.mutex);
  s.caller_sleeps.store(true);
  s.finished.wait(lock, done);
  s.caller_sleeps.store(false);
}

/** A worker goes elsewhere when it finds itself on the core of a thread before it. */
void Pool::spread(int thread) {
  State& s = *state_;
  int others[most_threads];
  const int own = current_core();
  bool shared = false;
  for (int i = 0; i < thread; i++) {
    others[i] = s.cores[i].load(std::memory_order_relaxed);
    shared = shared || others[i] == own;
  }
  if (shared && own >= 0) leave_cores(others, thread);
}

/** Takes a piece of the open job, if there is one, and runs it. */
bool Pool::take(int thread) {
  State& s = *state_;
  s.cores[thread].store(current_core(), std::memory_order_relaxed);
  uint64_t open = s.open.load();
  do {
    if (pieces_of(open) == 0) return false;
  } while (!s.open.compare_exchange_weak(open, open - 1));
  try {
    s.run_piece(s.context, s.count - static_cast<long>(pieces_of(open)), thread);
  } catch (const std::bad_alloc&) {
    s.failed.store(true);  // the caller throws it: nobody may leave while others use the job, and no worker may end
  }
  if (s.left.fetch_sub(1) == 1 && s.caller_sleeps.load()) {
    { std::lock_guard<std::mutex> lock(s.mutex); }
    s.finished.notify_one();
  }
  return true;
}

bool Pool::alone(double multiply_adds) const { return threads_ == 1 || multiply_adds < worth_waking; }

void Pool::run(Job job, void* context, double multiply_adds) {
  struct Parts {
    Job job;
    void* context;
  } parts{job, context};
  const long count = alone(multiply_adds) ? 1 : threads_;
  run(
      [](void* data, long part, int) {
        const Parts& p = *static_cast<Parts*>(data);
        p.job(p.context, static_cast<int>(part));
      },
      &parts, count, multiply_adds);
}

void Pool::barrier() {
  State& s = *state_;
  if (active_ == 1) return;
  const unsigned phase = s.phase.load();
  if (s.arrived.fetch_add(1) + 1 == threads_) {
    s.arrived.store(0);
    s.phase.fetch_add(1);
    return;
  }
  const auto passed = [&] { return s.phase.load() != phase || s.failed.load(); };  // who failed never comes
  while (!spin(passed)) std::this_thread::yield();
}

void Pool::work(int thread, int threads) {
  State& s = *state_;
  const auto called = [&] { return pieces_of(s.open.load()) > 0 || s.stopping.load(); };
  const bool has_room = usable_cores() >= threads;
  auto looked = Clock::now(), busy = looked;
  Clock::duration time = patience;
  for (;;) {
    const auto now = Clock::now();
    if (has_room && now - looked > spread_every) {
      looked = now;
      spread(thread);
    }
    if (take(thread)) {
      busy = Clock::now();
      continue;
    }
    if (!spin(called, time)) {
      std::unique_lock<std::mutex> lock(s.mutex);
      s.sleeping.fetch_add(1);
      s.wake.wait(lock, called);
      s.sleeping.fetch_sub(1);
    }
    if (s.stopping.load()) return;
    const auto waited = Clock::now() - busy;
    time = waited > most_patience ? patience : std::max(patience, std::min(most_patience, 2 * waited));
  }
}

}  // namespace mossctl
