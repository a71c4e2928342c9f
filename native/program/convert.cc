#include "program/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/conversion.h"
#include "kernels/parallel.h"
#include "kernels/strided.h"
#include "program/step_builder.h"

namespace calibr8 {

using onednn::Layout;

namespace {

constexpr size_t kGrain = 16384;

bool isPerTensor(const Quantization& quantization) { return quantization.scales.size() <= 1; }

ConversionNumbers numbersOf(const Quantization& from, const Quantization& to) {
  return {from.scale(), from.zeroPoint(), to.scale(), to.zeroPoint()};
}

/** Both in the same order without holes: one loop over all bytes. */
Function linear(const Layout& from, const Layout& to, const ConversionNumbers& numbers) {
  size_t count = static_cast<size_t>(from.elements());
  DataType fromType = from.type();
  DataType toType = to.type();
  return [=](void* const* pointers, RunContext&) {
    auto* source = static_cast<const uint8_t*>(pointers[0]);
    auto* destination = static_cast<uint8_t*>(pointers[1]);
    parallelFor(count, kGrain, [&](size_t begin, size_t end) {
      convertLinear(source + begin * sizeOf(fromType), fromType, destination + begin * sizeOf(toType), toType,
                    end - begin, numbers);
    });
  };
}

/** Images: planes of float32 to interleaved bytes, which oneDNN's reorder does an element at a time. */
Function interleave(const Layout& from, const Layout& to, const ConversionNumbers& numbers) {
  Dims dims = from.dims();
  size_t batch = static_cast<size_t>(dims[0]);
  size_t channels = static_cast<size_t>(dims[1]);
  size_t pixels = static_cast<size_t>(from.elements()) / (batch * channels);
  DataType type = to.type();
  return [=](void* const* pointers, RunContext&) {
    auto* source = static_cast<const float*>(pointers[0]);
    auto* destination = static_cast<uint8_t*>(pointers[1]);
    for (size_t n = 0; n < batch; ++n) {
      const float* image = source + n * channels * pixels;
      uint8_t* target = destination + n * channels * pixels;
      parallelFor(pixels, 4096, [&](size_t begin, size_t end) {
        quantizeInterleaved(image + begin, pixels, channels, end - begin, target + begin * channels, type,
                            numbers);
      });
    }
  };
}

Function copyPlain(const Layout& from, const Layout& to) {
  StridedCopy copy{from.dims(), from.strides(), to.strides(), sizeOf(from.type())};
  copy.simplify();
  return [copy](void* const* pointers, RunContext&) {
    copy.run(static_cast<const uint8_t*>(pointers[0]), static_cast<uint8_t*>(pointers[1]));
  };
}

/** Any types, any quantization along an axis: correct rather than fast. */
Function generic(const Layout& from, const Layout& to, const Quantization& fromQ, const Quantization& toQ) {
  Dims dims = from.dims();
  Dims fromStrides = from.strides();
  Dims toStrides = to.strides();
  DataType fromType = from.type();
  DataType toType = to.type();
  return [=](void* const* pointers, RunContext&) {
    auto pick = [](const auto& list, int64_t i, auto fallback) {
      return list.empty() ? fallback : list[list.size() > 1 ? static_cast<size_t>(i) : 0];
    };
    parallelFor(static_cast<size_t>(countOf(dims)), kGrain, [&](size_t begin, size_t end) {
      Odometer odometer(dims);
      odometer.seek(static_cast<int64_t>(begin));
      for (size_t i = begin; i < end; ++i, odometer.next()) {
        int64_t fromChannel = fromQ.scales.size() > 1 ? odometer.index()[fromQ.axis] : 0;
        int64_t toChannel = toQ.scales.size() > 1 ? odometer.index()[toQ.axis] : 0;
        double stored = loadElement(pointers[0], fromType, odometer.offset(fromStrides));
        float real = static_cast<float>(stored - pick(fromQ.zeroPoints, fromChannel, 0));
        if (!fromQ.scales.empty()) real *= pick(fromQ.scales, fromChannel, 1.0f);
        double result = real;
        if (toQ.scales.empty() && fromQ.scales.empty()) result = stored;
        if (!toQ.scales.empty()) {
          result =
              std::nearbyint(real / pick(toQ.scales, toChannel, 1.0f)) + pick(toQ.zeroPoints, toChannel, 0);
        }
        storeElement(pointers[1], toType, odometer.offset(toStrides), result);
      }
    });
  };
}

/** Element for element the same bits in another place. */
bool isPureMove(const Operand& from, const Quantization& fromQ, const Operand& to, const Quantization& toQ) {
  if (from.layout.type() != to.layout.type()) return false;
  return (fromQ.scales == toQ.scales && fromQ.zeroPoints == toQ.zeroPoints);
}

bool canInterleave(const Layout& from, const Layout& to) {
  Dims dims = from.dims();
  return from.type() == DataType::kFloat32 && isInt8(to.type()) && dims.size() >= 3 && dims[1] <= 4 &&
         from.isRowMajor() && to.isChannelsLast();
}

void addConversion(StepBuilder& builder, const char* name, const Operand& from, const Operand& to,
                   Function function, bool inserted) {
  Operation operation;
  operation.implementation = std::string("calibr8:") + name;
  operation.inserted = inserted;
  operation.conversion = true;
  operation.function = std::move(function);
  operation.operands = {from, to};
  builder.add(std::move(operation));
}

Operation moveOperation(const onednn::Device& device, const Operand& from, const Operand& to, bool* found) {
  Operation operation;
  operation.operands = {from, to};
  *found = true;
  if (from.layout == to.layout && from.layout.isDense()) {
    size_t bytes = from.layout.bytes();
    operation.implementation = "calibr8:copy";
    operation.function = [bytes](void* const* pointers, RunContext&) {
      if (pointers[0] != pointers[1]) std::memcpy(pointers[1], pointers[0], bytes);
    };
    return operation;
  }
  if (isNative(from.layout.type())) {
    if (auto reorder = onednn::makeReorder(device, {from.layout, to.layout});
        reorder && reorder->scratchpadBytes() == 0) {
      operation.implementation = reorder->implementation();
      operation.primitive = reorder->create();
      operation.arguments = {onednn::kSource, onednn::kDestination};
      return operation;
    }
  }
  if (from.layout.isPlain() && to.layout.isPlain()) {
    operation.implementation = "calibr8:strided_copy";
    operation.function = copyPlain(from.layout, to.layout);
    return operation;
  }
  *found = false;
  return operation;
}

}  // namespace

Operation copyOut(const onednn::Device& device, const Operand& from, const Operand& to) {
  bool found;
  Operation operation = moveOperation(device, from, to, &found);
  if (!found) throw Error(Code::kOnednn, "oneDNN has no reorder for an output.");
  return operation;
}

void convert(StepBuilder& builder, const Operand& from, const Quantization& fromQ, const Operand& to,
             const Quantization& toQ, bool inserted) {
  const Layout& a = from.layout;
  const Layout& b = to.layout;
  if (isPureMove(from, fromQ, to, toQ)) {
    bool found;
    Operation move = moveOperation(builder.device(), from, to, &found);
    if (found) {
      move.inserted = inserted;
      builder.add(std::move(move));
      return;
    }
  }
  bool perTensor = isPerTensor(fromQ) && isPerTensor(toQ);
  bool linearTypes = perTensor && canConvertLinear(a.type(), b.type());
  if (linearTypes && a.sameOrder(b) && a.isDense() && b.isDense()) {
    addConversion(builder, "convert", from, to, linear(a, b, numbersOf(fromQ, toQ)), inserted);
    return;
  }
  if (linearTypes && canInterleave(a, b)) {
    addConversion(builder, "quantize_interleaved", from, to, interleave(a, b, numbersOf(fromQ, toQ)),
                  inserted);
    return;
  }
  bool onednnTypes =
      isNative(a.type()) && isNative(b.type()) && a.type() != DataType::kBool && b.type() != DataType::kBool;
  if (onednnTypes && fromQ.zeroPoints.size() <= 1 && toQ.zeroPoints.size() <= 1) {
    onednn::ReorderSpec spec{a, b};
    size_t count = std::max<size_t>({fromQ.scales.size(), toQ.scales.size(), 1});
    bool axesAgree =
        perTensor || fromQ.scales.size() <= 1 || toQ.scales.size() <= 1 || fromQ.axis == toQ.axis;
    spec.scales.resize(count);
    for (size_t i = 0; i < count && axesAgree; ++i) {
      float up = fromQ.scales.empty() ? 1.0f : fromQ.scales[fromQ.scales.size() > 1 ? i : 0];
      float down = toQ.scales.empty() ? 1.0f : toQ.scales[toQ.scales.size() > 1 ? i : 0];
      spec.scales[i] = up / down;
    }
    spec.axis = fromQ.scales.size() > 1 ? fromQ.axis : toQ.axis;
    spec.sourceZeroPoint = fromQ.zeroPoint();
    spec.destinationZeroPoint = toQ.zeroPoint();
    std::optional<onednn::Description> reorder;
    if (axesAgree) reorder = onednn::makeReorder(builder.device(), spec);
    if (reorder) {
      builder.call(*reorder, {{onednn::kSource, from}, {onednn::kDestination, to}}, inserted);
      return;
    }
  }
  Operand plainFrom = from;
  if (!a.isPlain()) {
    plainFrom = builder.temporary(Layout::rowMajor(a.dims(), a.type()));
    convert(builder, from, {}, plainFrom, {}, true);
  }
  Operand plainTo = to;
  if (!b.isPlain()) plainTo = builder.temporary(Layout::rowMajor(b.dims(), b.type()));
  builder.call("convert_generic", {plainFrom, plainTo}, generic(plainFrom.layout, plainTo.layout, fromQ, toQ),
               inserted);
  if (!b.isPlain()) convert(builder, plainTo, {}, to, {}, true);
}

}  // namespace calibr8
