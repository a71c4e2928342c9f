export { MAX_OPSET, MIN_OPSET } from './opsets';
export { readModel, type ReadModelOptions } from './read';
export { saveModel, type SaveModelOptions } from './save';
export { writeModel } from './write';
