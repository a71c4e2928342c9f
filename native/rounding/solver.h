#ifndef CALIBR8_ROUNDING_SOLVER_H_
#define CALIBR8_ROUNDING_SOLVER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace calibr8 {

/**
 * A layer's weights w to be rounded together: each row minimizes (sq - w)'H(sq - w) over whole numbers q of
 * magnitude up to `greatestLevel`, where H is its group's second moments of the inputs and s the row's scale:
 * the mean squared error of its output.
 */
struct RoundingProblem {
  /** Rows of all groups, columns of each row; rows divide evenly into groups. */
  size_t rows = 0, columns = 0, groups = 1;
  /** [groups, columns, columns], symmetric with a positive diagonal. */
  std::vector<float> moments;
  /** [rows, columns]. */
  std::vector<float> weights;
  /** [rows], above 0. */
  std::vector<float> scales;
  /** [rows, columns]: where to begin, and the answer. */
  std::vector<int8_t> levels;
  /** Up to 127: with fewer bits, fewer levels. */
  float greatestLevel = 127;
};

/**
 * Coordinate descent: each weight in turn takes the best level given all the others, until none moves or
 * `sweeps` have passed. The error never grows from one step to the next.
 */
void roundWeights(RoundingProblem& problem, size_t sweeps, int threads);

}  // namespace calibr8

#endif  // CALIBR8_ROUNDING_SOLVER_H_
