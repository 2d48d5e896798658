// Threads that wait for work. One job at a time: every thread of the pool runs the same function with its own number,
// the calling thread as number 0. Work is divided by thread number alone, so the same thread count gives the same bits.
#pragma once

namespace mossctl {

using Job = void (*)(void* context, int thread);

class Pool {
 public:
  static Pool& instance();

  /** Threads that `run` uses, the caller included. */
  int threads() const { return threads_; }
  /** Stops and starts workers: 1 to 256. Not from within a job. */
  void resize(int threads);

  /** Runs job(context, 0 … threads − 1) side by side and returns when all are done. */
  void run(Job job, void* context);
  /** Waits, inside a job, until every thread has come here. */
  void barrier();

 private:
  Pool();
  ~Pool();
  void start(int threads);
  void stop();
  void work(int thread, unsigned seen);

  int threads_ = 1;
  struct State;
  State* state_;
};

}  // namespace mossctl
