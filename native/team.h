#ifndef CALIBR8_TEAM_H_
#define CALIBR8_TEAM_H_

#include <omp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

namespace calibr8 {

/**
 * An OpenMP team that stays together while its leader runs one of our kernels after another. OpenMP starts
 * and ends each of them with a barrier, where threads sleep or keep processors from those they wait for. Here
 * they wait giving way, and take work from each other, so that none is waited for which the system has not
 * let run yet.
 */
class Team {
 public:
  /** Must not throw. */
  using Piece = void (*)(const void* context, size_t piece);

  explicit Team(int threads) : shares_(static_cast<size_t>(threads)) {}
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /** The one that the calling thread leads, or null; null within a piece of its work. */
  static Team* led();

  /** Leader: calls call(context, piece) for all pieces, on any thread of the team, and waits for the last. */
  void run(size_t pieces, Piece call, const void* context);

  /** Leader: calls work(), in which led() is this team, and dismisses the others. Returns what it threw. */
  template <typename Work>
  std::exception_ptr lead(const Work& work) {
    std::exception_ptr failure;
    setLed(this);
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    setLed(nullptr);
    task_.store(kDismissed, std::memory_order_release);
    return failure;
  }

  /** Others: take part until the leader dismisses them. */
  void follow(int thread);

 private:
  static constexpr uint32_t kDismissed = ~uint32_t{0};
  static void setLed(Team* team);
  /** Does what is left of a task, own share first; the others may have begun the next one meanwhile. */
  void work(size_t thread, uint32_t task) noexcept;

  /** A task's number, the next chunk of a share, and its end: one number, so that it is taken as a whole. */
  struct alignas(64) Share {
    std::atomic<uint64_t> state{0};
  };
  std::vector<Share> shares_;
  std::atomic<uint32_t> task_{0};
  std::atomic<size_t> remaining_{0};
  /** The task's, stable for whoever has a chunk of it. */
  Piece call_ = nullptr;
  const void* context_ = nullptr;
  size_t pieces_ = 0;
  size_t chunks_ = 0;
};

/** Calls work() on the calling stream's thread, with its team for all that parallelFor() does in it. */
template <typename Work>
void withTeam(const Work& work) {
  Team team(omp_get_max_threads());
  std::exception_ptr failure;
#pragma omp parallel
  {
    if (omp_get_thread_num() == 0) {
      failure = team.lead(work);
    } else {
      team.follow(omp_get_thread_num());
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace calibr8

#endif  // CALIBR8_TEAM_H_
