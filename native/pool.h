// Threads that wait for work. One job at a time: every thread of the pool runs the same function with its own number,
// the calling thread as number 0. Work is divided by thread number alone, so the same thread count gives the same bits.
#pragma once

namespace mossctl {

using Job = void (*)(void* context, int thread);

class Pool {
 public:
  static Pool& instance();

  /** Threads that a job has, the caller included: inside one that runs alone, 1. */
  int threads() const { return active_; }
  /** Stops and starts workers: 1 to 256. Not from within a job. */
  void resize(int threads);

  /**
   * Runs job(context, 0 … threads − 1) side by side and returns when all are done. A job of fewer multiply-adds than
   * waking the others is worth runs on the caller alone; which it is depends on nothing else.
   */
  void run(Job job, void* context, double multiply_adds = 1e18);
  /** Whether `run` would give such a job to the caller alone. */
  bool alone(double multiply_adds) const;
  /** Waits, inside a job, until every thread has come here. */
  void barrier();

 private:
  Pool();
  ~Pool();
  void start(int threads);
  void stop();
  void work(int thread, unsigned seen);

  int threads_ = 1;
  int active_ = 1;
  struct State;
  State* state_;
};

}  // namespace mossctl
