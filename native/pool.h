// Threads that take pieces of work. One job at a time: each thread takes the next piece as soon as it is done with one,
// so that a thread whose core is shared takes fewer; and threads keep off each other's cores. What a piece computes must
// depend on its number alone: then the same pieces give the same bits, whoever takes them.
#pragma once

namespace mossctl {

/** One piece of a job. `thread` is less than Pool::threads(), and no two pieces run at once under one number. */
using Piece = void (*)(void* context, long piece, int thread);
/** Part `part` of as many as there are threads. */
using Job = void (*)(void* context, int part);

class Pool {
 public:
  static Pool& instance();

  /** Threads that a job has, the caller included: inside one that runs alone, 1. */
  int threads() const { return active_; }
  /** Stops and starts workers: 1 to 256. Not from within a job. */
  void resize(int threads);

  /**
   * Runs pieces 0 … count − 1 on all threads and returns when all are done. Nobody waits for a thread that holds none:
   * a worker that is late, or that lost its core, delays nothing but the piece in its hands. A job of fewer
   * multiply-adds than waking the others is worth runs on the caller alone; which it is depends on nothing else.
   * @throws std::bad_alloc, when all are done, where memory ran out in one of them.
   */
  void run(Piece run_piece, void* context, long count, double multiply_adds);
  /** Whether `run` would give such a job to the caller alone. */
  bool alone(double multiply_adds) const;

  /** Runs job(context, 0 … threads − 1), each on a thread of its own where they meet at a barrier. */
  void run(Job job, void* context, double multiply_adds = 1e18);
  /** Waits, inside such a job, until every part has come here. */
  void barrier();

 private:
  Pool();
  ~Pool();
  void start(int threads);
  void stop();
  void work(int thread, int threads);
  void spread(int thread);
  bool take(int thread);
  void finish();

  int threads_ = 1;
  int active_ = 1;
  struct State;
  State* state_;
};

}  // namespace mossctl
