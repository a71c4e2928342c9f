#ifndef CALIBR8_KERNELS_POOLING_SHAPE_H_
#define CALIBR8_KERNELS_POOLING_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace calibr8 {

/** The part of a window that is inside the source: counts of taps and strides between them in elements,
 * outermost axis first, and the first tap's place in its image. */
struct PoolingWindow {
  int64_t counts[3];
  int64_t strides[3];
  int64_t origin;

  int64_t taps() const { return counts[0] * counts[1] * counts[2]; }
};

/** The taps of a window that are inside the source along one axis. */
struct PoolingTaps {
  int64_t count, start;
};

/** The windows along the last axis of the output: what they have in common as in {@link PoolingWindow}, and
 * the taps of each along that axis. */
struct PoolingLine {
  int64_t counts[2];
  int64_t strides[3];
  int64_t origin;
  const std::vector<PoolingTaps>& columns;
};

/** A pooling of channels-last values; one or two spatial axes are padded to three with 1. */
struct PoolingShape {
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t in[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1};
  int64_t strides[3] = {1, 1, 1};
  int64_t dilations[3] = {1, 1, 1};
  int64_t pads[3] = {0, 0, 0};

  int64_t imagePixels() const { return in[0] * in[1] * in[2]; }
  int64_t pixels() const { return out[0] * out[1] * out[2]; }
};

/** Where each window of a pooling lies, found once: the divisions would take longer than small windows do. */
class PoolingWindows {
 public:
  explicit PoolingWindows(const PoolingShape& shape);

  /** The windows of a line of the output. */
  PoolingLine line(int64_t depth, int64_t row) const;
  /** The window at a position of the output. */
  PoolingWindow at(int64_t depth, int64_t row, int64_t column) const;

 private:
  PoolingShape shape_;
  std::vector<PoolingTaps> taps_[3];
};

inline PoolingLine PoolingWindows::line(int64_t depth, int64_t row) const {
  const PoolingTaps& d = taps_[0][static_cast<size_t>(depth)];
  const PoolingTaps& h = taps_[1][static_cast<size_t>(row)];
  const auto& in = shape_.in;
  const auto& dilations = shape_.dilations;
  int64_t channels = shape_.channels;
  return {{d.count, h.count},
          {dilations[0] * in[1] * in[2] * channels, dilations[1] * in[2] * channels, dilations[2] * channels},
          (d.start * in[1] + h.start) * in[2] * channels,
          taps_[2]};
}

inline PoolingWindow PoolingWindows::at(int64_t depth, int64_t row, int64_t column) const {
  PoolingLine all = line(depth, row);
  const PoolingTaps& w = all.columns[static_cast<size_t>(column)];
  return {{all.counts[0], all.counts[1], w.count},
          {all.strides[0], all.strides[1], all.strides[2]},
          all.origin + w.start * shape_.channels};
}

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_POOLING_SHAPE_H_
