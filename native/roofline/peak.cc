#include "roofline/peak.h"

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "median.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace calibr8 {
namespace {

constexpr int64_t kIterations = 20000;
constexpr size_t kBursts = 100;

/** A loop of one instruction over independent registers, and the operations of one pass. */
struct Burst {
  const char* instruction = "";
  void (*run)(int64_t iterations) = nullptr;
  double operations = 0;
};

#if defined(__x86_64__)

// Assembly rather than intrinsics: what is measured must be these instructions, all in registers, at any
// optimization level. Twelve sums hide the latency of any processor so far (4 or 5 cycles, at most two
// instructions a cycle).
#define CALIBR8_TWELVE(OP) \
  OP("0") OP("1") OP("2") OP("3") OP("4") OP("5") OP("6") OP("7") OP("8") OP("9") OP("10") OP("11")
#define CALIBR8_BURST(NAME, CLEAR, OP)                                                                       \
  void NAME(int64_t iterations) {                                                                            \
    __asm__ volatile(CALIBR8_TWELVE(CLEAR) CLEAR("12") CLEAR("13") CLEAR("14")                               \
                         CLEAR("15") "1:\n\t" CALIBR8_TWELVE(OP) "dec %0\n\tjnz 1b\n\tvzeroupper\n\t"        \
                     : "+r"(iterations)                                                                      \
                     :                                                                                       \
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
                       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                                \
  }

#define CALIBR8_CLEAR(N) "vxorps %%xmm" N ", %%xmm" N ", %%xmm" N "\n\t"
#define CALIBR8_VNNI_512(N) "vpdpbusd %%zmm12, %%zmm13, %%zmm" N "\n\t"
#define CALIBR8_VNNI_256(N) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" N "\n\t"
#define CALIBR8_FMA_512(N) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" N "\n\t"
#define CALIBR8_FMA_256(N) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" N "\n\t"
// What stands for one VNNI instruction where there is none. Three registers change by turns.
#define CALIBR8_PAIRS_512(N)                                                       \
  "vpmaddubsw %%zmm12, %%zmm13, %%zmm14\n\tvpmaddwd %%zmm12, %%zmm14, %%zmm15\n\t" \
  "vpaddd %%zmm15, %%zmm" N ", %%zmm" N "\n\t"
#define CALIBR8_PAIRS_256(N)                                                       \
  "vpmaddubsw %%ymm12, %%ymm13, %%ymm14\n\tvpmaddwd %%ymm12, %%ymm14, %%ymm15\n\t" \
  "vpaddd %%ymm15, %%ymm" N ", %%ymm" N "\n\t"

CALIBR8_BURST(vnni512, CALIBR8_CLEAR, CALIBR8_VNNI_512)
CALIBR8_BURST(vnni256, CALIBR8_CLEAR, CALIBR8_VNNI_256)
CALIBR8_BURST(pairs512, CALIBR8_CLEAR, CALIBR8_PAIRS_512)
CALIBR8_BURST(pairs256, CALIBR8_CLEAR, CALIBR8_PAIRS_256)
CALIBR8_BURST(fma512, CALIBR8_CLEAR, CALIBR8_FMA_512)
CALIBR8_BURST(fma256, CALIBR8_CLEAR, CALIBR8_FMA_256)

/** AVX-VNNI, the 256-bit form of processors without AVX-512; compilers learned its name late. */
bool hasAvxVnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}

// A product and a sum for each element: 2 operations.
Burst int8Burst() {
  if (__builtin_cpu_supports("avx512vnni")) return {"vpdpbusd zmm", vnni512, 12 * 64 * 2};
  bool avx2 = __builtin_cpu_supports("avx2");
  if (avx2 && hasAvxVnni()) return {"vpdpbusd ymm", vnni256, 12 * 32 * 2};
  if (__builtin_cpu_supports("avx512bw")) return {"vpmaddubsw zmm", pairs512, 12 * 64 * 2};
  if (avx2) return {"vpmaddubsw ymm", pairs256, 12 * 32 * 2};
  return {};
}

Burst floatBurst() {
  if (__builtin_cpu_supports("avx512f")) return {"vfmadd231ps zmm", fma512, 12 * 16 * 2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"vfmadd231ps ymm", fma256, 12 * 8 * 2};
  return {};
}

#else

Burst int8Burst() { return {}; }
Burst floatBurst() { return {}; }

#endif

double speedOf(const Burst& burst) {
  auto start = std::chrono::steady_clock::now();
  burst.run(kIterations);
  std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  return burst.operations * static_cast<double>(kIterations) / time.count();
}

/** Adds one thread's, from what each of several bursts reached, where there are any. */
void add(std::vector<double>& bursts, Peak& peak) {
  if (bursts.empty()) return;
  // Bursts have as many operations each, so that times add up as the speeds' inverses do.
  double time = 0;
  for (double burst : bursts) time += 1 / burst;
  peak.sustained += static_cast<double>(bursts.size()) / time;
  peak.operationsPerSecond += median(bursts);
}

}  // namespace

Peaks measurePeaks(int threads) {
  Burst int8 = int8Burst();
  Burst real = floatBurst();
  Peaks peaks{{int8.instruction}, {real.instruction}};
  struct Bursts {
    std::vector<double> int8, real;
  };
  std::vector<Bursts> bursts(static_cast<size_t>(threads));
  auto measure = [&](size_t index) {
    // By turns, so that both find the same clock.
    for (size_t i = 0; i < kBursts; ++i) {
      if (int8.run) bursts[index].int8.push_back(speedOf(int8));
      if (real.run) bursts[index].real.push_back(speedOf(real));
    }
  };
  std::vector<std::thread> team;
  for (size_t i = 1; i < bursts.size(); ++i) team.emplace_back(measure, i);
  measure(0);
  for (std::thread& thread : team) thread.join();
  for (Bursts& each : bursts) {
    add(each.int8, peaks.int8);
    add(each.real, peaks.float32);
  }
  return peaks;
}

}  // namespace calibr8
