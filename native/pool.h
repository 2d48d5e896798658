// Threads that take pieces of work. One job at a time, or two courses of jobs side by side: each thread takes the next
// piece as soon as it is done with one, so that a thread whose core is shared takes fewer; and threads keep off each
// other's cores. What a piece computes must depend on its number alone: then the same pieces give the same bits, whoever
// takes them.
#pragma once

#include <stdint.h>

namespace mossctl {

/** One piece of a job. `thread` is less than Pool::threads(), and no two pieces run at once under one number. */
using Piece = void (*)(void* context, int64_t piece, int thread);
/** Part `part` of as many as there are threads. */
using Job = void (*)(void* context, int part);
/** Jobs one after the other: 0 or 1, of two. It throws nothing. */
using Course = void (*)(void* context, int course);

class Pool {
 public:
  static Pool& instance();

  /** Threads that a job has, the caller included: inside one that runs alone, 1. */
  int threads() const { return is_alone ? 1 : threads_; }
  /** Stops and starts workers: 1 to 256. Not from within a job. */
  void resize(int threads);

  /**
   * Runs pieces 0 … count − 1 on all threads and returns when all are done. Nobody waits for a thread that holds none:
   * a worker that is late, or that lost its core, delays nothing but the piece in its hands. A job of fewer
   * multiply-adds than waking the others is worth runs on the caller alone; which it is depends on nothing else.
   * @throws std::bad_alloc, when all are done, where memory ran out in one of them.
   */
  void run(Piece run_piece, void* context, int64_t count, double multiply_adds);
  /** Whether `run` would give such a job to the caller alone. */
  bool alone(double multiply_adds) const;

  /** Runs job(context, 0 … threads − 1), each on a thread of its own where they meet at a barrier. */
  void run(Job job, void* context, double multiply_adds = 1e18);
  /** Waits, inside such a job, until every part has come here. */
  void barrier();

  /**
   * course(context, 0) on the caller beside course(context, 1) on a worker that is free: while one reads memory the other
   * computes. Each takes the pieces of its own jobs; the others take both's, and so does the caller when it is done. Jobs
   * whose parts meet run alone there.
   */
  void run_two(Course course, void* context);
  /** Which of two courses the calling thread is on, 0 where there is one: what the jobs of a course share is its own. */
  static int course() { return own_course; }
  static constexpr int most_courses = 2;

 private:
  Pool();
  ~Pool();
  void start(int threads);
  void stop();
  void work(int thread, int threads);
  void spread(int thread);
  struct State;
  struct Open;
  void open(Open& job, Piece run_piece, void* context, int64_t count);
  bool take(Open& job, int thread);
  bool take_any(int thread);
  bool has_pieces() const;
  void finish(Open& job);

  static thread_local bool is_alone;
  static thread_local int own_thread, own_course;
  int threads_ = 1;
  bool two_run_ = false;
  State* state_;
};

}  // namespace mossctl
