// An open job is one word: its number and how many of its pieces nobody has taken. Taking a piece counts that word down,
// so a thread that comes late finds a later job or none, and never an old one. Who has nothing to take spins for a moment,
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

thread_local bool Pool::is_alone = false;
thread_local int Pool::own_thread = 0;
thread_local int Pool::own_course = 0;

/** A job, or the place of the next one. */
struct Pool::Open {
  /** The job's number in the high half, pieces that nobody has taken in the low one. */
  std::atomic<uint64_t> pieces{0};
  /** Pieces that are not done. */
  std::atomic<int64_t> left{0};
  std::atomic<bool> owner_sleeps{false};
  /** Whether memory ran out in a piece. */
  std::atomic<bool> failed{false};
  // Whoever holds a piece may read them.
  Piece run_piece = nullptr;
  void* context = nullptr;
  int64_t count = 0;
};

struct Pool::State {
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake, finished;
  /** The second course as a job of one piece, and the job that is open of each. */
  Open second, jobs[most_courses];
  std::atomic<int> sleeping{0};
  std::atomic<bool> stopping{false};
  /** The core on which each thread took its last piece. */
  std::atomic<int> cores[most_threads] = {};
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
  threads_ = static_cast<int>(state_->workers.size()) + 1;
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

/** `value` in `place` for as long as it lives, also where the job throws. */
template <typename T>
class For {
 public:
  For(T& place, T value) : place_(place), before_(place) { place = value; }
  ~For() { place_ = before_; }

 private:
  T& place_;
  T before_;
};

}  // namespace

void Pool::run(Piece run_piece, void* context, int64_t count, double multiply_adds) {
  if (alone(multiply_adds) || count == 1) {
    const For guard(is_alone, true);
    for (int64_t piece = 0; piece < count; piece++) run_piece(context, piece, 0);
    return;
  }
  if (count <= 0) return;
  Open& job = state_->jobs[own_course];
  open(job, run_piece, context, count);
  while (take(job, own_thread)) {
  }
  finish(job);
  if (job.failed.load()) throw std::bad_alloc();
}

void Pool::open(Open& job, Piece run_piece, void* context, int64_t count) {
  State& s = *state_;
  job.run_piece = run_piece;
  job.context = context;
  job.count = count;
  job.failed.store(false);
  job.left.store(count);
  job.pieces.store((job.pieces.load() / job_unit + 1) * job_unit + static_cast<uint64_t>(count));
  if (s.sleeping.load() > 0) {
    { std::lock_guard<std::mutex> lock(s.mutex); }
    s.wake.notify_all();
  }
}

/** Waits for the pieces that others hold. */
void Pool::finish(Open& job) {
  State& s = *state_;
  const auto done = [&] { return job.left.load() == 0; };
  if (spin(done)) return;
  std::unique_lock<std::mutex> lock(s.mutex);
  job.owner_sleeps.store(true);
  s.finished.wait(lock, done);
  job.owner_sleeps.store(false);
}

void Pool::run_two(Course course, void* context) {
  State& s = *state_;
  struct Both {
    Course course;
    void* context;
  } both{course, context};
  const For guard(two_run_, true);
  const Piece second = [](void* data, int64_t, int thread) {
    const Both& b = *static_cast<Both*>(data);
    const For of_thread(own_thread, thread);
    const For of_course(own_course, 1);
    b.course(b.context, 1);
  };
  open(s.second, second, &both, 1);
  course(context, 0);
  const auto news = [&] { return s.second.left.load() == 0 || has_pieces(); };
  while (s.second.left.load() > 0) {
    if (!take_any(0) && !spin(news)) std::this_thread::yield();
  }
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

/** Takes a piece of the job, if it has one, and runs it. */
bool Pool::take(Open& job, int thread) {
  State& s = *state_;
  s.cores[thread].store(current_core(), std::memory_order_relaxed);
  uint64_t open = job.pieces.load();
  do {
    if (pieces_of(open) == 0) return false;
  } while (!job.pieces.compare_exchange_weak(open, open - 1));
  try {
    job.run_piece(job.context, job.count - static_cast<int64_t>(pieces_of(open)), thread);
  } catch (const std::bad_alloc&) {
    job.failed.store(true);  // the owner throws it: nobody may leave while others use the job, and no worker may end
  }
  if (job.left.fetch_sub(1) == 1 && job.owner_sleeps.load()) {
    { std::lock_guard<std::mutex> lock(s.mutex); }
    s.finished.notify_all();
  }
  return true;
}

/** A course that nobody is on comes before the pieces of those that are under way. */
bool Pool::take_any(int thread) {
  State& s = *state_;
  return take(s.second, thread) || take(s.jobs[0], thread) || take(s.jobs[1], thread);
}

bool Pool::has_pieces() const {
  const State& s = *state_;
  return pieces_of(s.second.pieces.load()) > 0 || pieces_of(s.jobs[0].pieces.load()) > 0 ||
         pieces_of(s.jobs[1].pieces.load()) > 0;
}

bool Pool::alone(double multiply_adds) const { return threads_ == 1 || multiply_adds < worth_waking; }

void Pool::run(Job job, void* context, double multiply_adds) {
  struct Parts {
    Job job;
    void* context;
  } parts{job, context};
  const int64_t count = alone(multiply_adds) || two_run_ ? 1 : threads_;
  state_->arrived.store(0);
  run(
      [](void* data, int64_t part, int) {
        const Parts& p = *static_cast<Parts*>(data);
        p.job(p.context, static_cast<int>(part));
      },
      &parts, count, multiply_adds);
}

void Pool::barrier() {
  State& s = *state_;
  if (threads() == 1) return;
  const unsigned phase = s.phase.load();
  if (s.arrived.fetch_add(1) + 1 == threads_) {
    s.arrived.store(0);
    s.phase.fetch_add(1);
    return;
  }
  const auto passed = [&] { return s.phase.load() != phase || s.jobs[0].failed.load(); };  // who failed never comes
  while (!spin(passed)) std::this_thread::yield();
}

void Pool::work(int thread, int threads) {
  State& s = *state_;
  const auto called = [&] { return has_pieces() || s.stopping.load(); };
  const bool has_room = usable_cores() >= threads;
  auto looked = Clock::now(), busy = looked;
  Clock::duration time = patience;
  for (;;) {
    const auto now = Clock::now();
    if (has_room && now - looked > spread_every) {
      looked = now;
      spread(thread);
    }
    if (take_any(thread)) {
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
