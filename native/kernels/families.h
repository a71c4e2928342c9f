#ifndef CALIBR8_KERNELS_FAMILIES_H_
#define CALIBR8_KERNELS_FAMILIES_H_

#include "kernels/registry.h"

namespace calibr8 {

// One function a file: each adds its family's kernels.
void addConvolution(Registry& registry);
void addInnerProduct(Registry& registry);
void addMatmul(Registry& registry);
void addPooling(Registry& registry);
void addEltwise(Registry& registry);
void addBinary(Registry& registry);
void addSoftmax(Registry& registry);
void addConcat(Registry& registry);
void addReorder(Registry& registry);
void addResampling(Registry& registry);
void addReshape(Registry& registry);
void addMovement(Registry& registry);
void addReduction(Registry& registry);
void addLrn(Registry& registry);
void addGather(Registry& registry);
void addGatherChannels(Registry& registry);
void addMap(Registry& registry);
void addView(Registry& registry);
void addIndexing(Registry& registry);
void addRanking(Registry& registry);
void addCumulation(Registry& registry);
void addInterpolation(Registry& registry);
void addNormalization(Registry& registry);
void addPoolingIndices(Registry& registry);
void addIntegerMatmul(Registry& registry);
void addObserve(Registry& registry);

}  // namespace calibr8

#endif  // CALIBR8_KERNELS_FAMILIES_H_
