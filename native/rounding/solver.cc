#include "rounding/solver.h"

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace calibr8 {
namespace {

/** Rows that share each line of the moments while it is in cache. */
constexpr size_t kBlock = 8;

/** Some rows of one group, and for each the gradient H(sq - w). */
class RowBlock {
 public:
  RowBlock(RoundingProblem& problem, size_t group, size_t begin, size_t end)
      : columns_(problem.columns),
        rows_(end - begin),
        moments_(problem.moments.data() + group * columns_ * columns_),
        scales_(problem.scales.data() + begin),
        levels_(problem.levels.data() + begin * columns_),
        greatestLevel_(problem.greatestLevel),
        gradient_(rows_ * columns_) {
    const float* weights = problem.weights.data() + begin * columns_;
    for (size_t column = 0; column < columns_; ++column) {
      for (size_t row = 0; row < rows_; ++row) {
        size_t at = row * columns_ + column;
        move(row, column, scales_[row] * levels_[at] - weights[at]);
      }
    }
  }

  /** Returns how many weights moved. */
  size_t sweep() {
    size_t moved = 0;
    for (size_t column = 0; column < columns_; ++column) {
      float curvature = moments_[column * columns_ + column];
      if (!(curvature > 0)) continue;
      for (size_t row = 0; row < rows_; ++row) {
        int8_t& level = levels_[row * columns_ + column];
        float wanted = level - gradient_[row * columns_ + column] / (scales_[row] * curvature);
        float best = std::min(std::max(std::nearbyint(wanted), -greatestLevel_), greatestLevel_);
        float step = best - level;
        if (step == 0 || !std::isfinite(step)) continue;
        level = static_cast<int8_t>(best);
        move(row, column, scales_[row] * step);
        ++moved;
      }
    }
    return moved;
  }

 private:
  /** The gradient after one weight of the row has grown by `change`. */
  void move(size_t row, size_t column, float change) {
    const float* line = moments_ + column * columns_;
    float* gradient = gradient_.data() + row * columns_;
    for (size_t i = 0; i < columns_; ++i) gradient[i] += change * line[i];
  }

  size_t columns_, rows_;
  const float* moments_;
  const float* scales_;
  int8_t* levels_;
  float greatestLevel_;
  std::vector<float> gradient_;
};

}  // namespace

void roundWeights(RoundingProblem& problem, size_t sweeps, int threads) {
  size_t perGroup = problem.rows / problem.groups;
  size_t blocksPerGroup = (perGroup + kBlock - 1) / kBlock;
  size_t blocks = blocksPerGroup * problem.groups;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (size_t block = 0; block < blocks; ++block) {
    size_t group = block / blocksPerGroup;
    size_t begin = group * perGroup + (block % blocksPerGroup) * kBlock;
    size_t end = std::min(begin + kBlock, (group + 1) * perGroup);
    RowBlock rows(problem, group, begin, end);
    for (size_t sweep = 0; sweep < sweeps && rows.sweep() > 0; ++sweep) {
    }
  }
}

}  // namespace calibr8
