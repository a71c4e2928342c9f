import type { Constant } from '../graph/constant';
import type { DataType } from '../graph/data-type';
import type { Node, PostOp, QuantizationParameters, Shape, Value } from '../graph/graph';

/** How a kernel moves over its data, one entry a spatial axis. */
export interface Window {
  kernel: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  padsBegin: readonly number[];
  padsEnd: readonly number[];
}

/** What shape inference says of one output. */
export interface ValueType {
  dtype: DataType;
  /** Undefined where not even the rank is known. */
  shape: Shape | undefined;
}

/** A unary function of one element that the addon's `eltwise` kernel and post-ops know (docs/plan.md lists them). */
export type Eltwise = Omit<Extract<PostOp, { kind: 'eltwise' }>, 'kind'>;

/** y = scale[c] * x + shift[c]. */
export interface ChannelAffine {
  /** The input that is x. */
  data: number;
  /** The axis of x along which the channels lie; undefined where one number serves all elements. */
  axis: number | undefined;
  scale: Float64Array;
  shift: Float64Array;
}

/** What weighted operators (convolution, matrix product) have in common: input 0 is data, 1 weights, 2 bias. */
export interface LinearTrait {
  /** The weights' axis of output channels, of which each has its own scale. */
  outputChannelAxis(node: Node): number;
  /** The result's axis of output channels; undefined while its rank is not known. */
  resultChannelAxis(node: Node): number | undefined;
  /**
   * Where the channels of the data, which lie along its axis 1, meet the weights: the weights' axis, along which each of `groups`
   * equal parts of the output channels sees its own part of the input channels. Undefined where they lie along another axis.
   */
  inputChannels(node: Node): { readonly axis: number; readonly groups: number } | undefined;
  /** Each element of the data is spread over the result instead of each element of the result gathered from the data. */
  readonly transposed?: true;
  /** Whether functions of its result run in the same step in INT8 only: in float32 oneDNN computes them one element at a time. */
  readonly fusesInInt8Only?: true;
  /** How its window moves over data of known dims; undefined for a matrix product, whose rows are the positions. */
  window?(node: Node, dims: readonly number[]): Window | undefined;
  /** Whether input 2 may hold a bias of one number a channel in a file; for execution it may always. */
  readonly acceptsBias: boolean;
  /** Whether `fullyConnected` or `firstConv` decides about it. */
  readonly family: 'convolution' | 'fullyConnected';
  /** Whether the addon runs it in INT8 with these attributes and weights. */
  quantizable(node: Node): boolean;
  /**
   * Whether input 1 is computed too, as in a transformer's attention, and the addon runs the product in INT8 with one scale for
   * each side, input 1 as symmetric int8. It has no weights then.
   */
  multipliesActivations?(node: Node): boolean;
}

/** Outputs that hold nothing but channels (axis 1) of inputs, while all other axes stay as they are. */
export interface ChannelMoves {
  readonly inputs: readonly Value[];
  /** For each output its channels, numbered through all inputs. */
  readonly outputs: readonly (readonly number[])[];
}

/** How an operator takes part in quantization. */
export type QuantizationRule =
  /** Computes in INT8: needs a LinearTrait. */
  | { readonly kind: 'linear' }
  /** Adds two quantized operands. */
  | { readonly kind: 'sum' }
  /** Combines elements of two operands, which the addon takes quantized where both are and the result is, too. */
  | { readonly kind: 'elementwise' }
  /**
   * Its result keeps its inputs' scale. `moves`: only rearranges elements. `averages`: the addon can also give the result
   * another scale, or in float32, at no cost. `data`: the inputs that carry values (others are shapes and the like).
   */
  | {
      readonly kind: 'passThrough';
      readonly moves: boolean;
      readonly averages?: true;
      readonly data: 'first' | 'all';
    }
  | { readonly kind: 'float' };

/** What an operator needs to lower itself into steps. */
export interface Lowering {
  readonly opset: number;
  /** The plan's value for a graph value. */
  value(value: Value): number;
  /** The dims of a value; every shape is known when lowering. */
  dims(value: Value): number[];
  constant(name: string, constant: Constant, quantization?: QuantizationParameters): number;
  temporary(
    name: string,
    dtype: DataType,
    dims: readonly number[],
    quantization?: QuantizationParameters,
  ): number;
  step(step: {
    kernel: string;
    name: string;
    sources: readonly number[];
    destinations: readonly number[];
    params?: Readonly<Record<string, Param>>;
    postOps?: readonly PlanPostOp[];
  }): void;
  /** The value seen with other dims of equal product (a reshape, free where the layout allows). */
  reshaped(value: number, dims: readonly number[], name: string): number;
}

/** A parameter of a step: plain numbers are told apart by kind, since the addon checks types. */
export type Param =
  | { readonly i64: number }
  | { readonly f64: number }
  | { readonly i64s: readonly number[] }
  | { readonly f32s: readonly number[] | Float32Array }
  | { readonly text: string };

export interface PlanPostOp {
  readonly kind: string;
  readonly params: Readonly<Record<string, Param>>;
}

/**
 * One ONNX operator: everything that the rest of calibr8 knows of it. Shared code reads these properties and never asks
 * which operator a node is.
 */
export interface OperatorDefinition {
  readonly op: string;
  /** Least and greatest number of inputs and outputs. */
  readonly inputs: readonly [number, number];
  readonly outputs?: readonly [number, number];
  /** Types of the outputs from the inputs' types and constants. Throws INVALID_SHAPE naming the node. */
  infer(node: Node, opset: number): readonly ValueType[];
  /** The outputs where every input is constant (or, with `foldsFromShape`, where input 0's shape is known). */
  fold?(node: Node, opset: number): readonly Constant[] | undefined;
  readonly foldsFromShape?: true;
  /**
   * Inputs that decide about the output's shape, or that are compiled in: shapes, axes, sizes, scales. Where one comes from a
   * graph input, a program is compiled for each of its values.
   */
  readonly parameters?: readonly number[];
  /** Runs on every element type itself; other operators compute float16 and float64 in float32. */
  readonly anyType?: true;
  /** True where folding would undo what the operator is for: a constant's dequantization, which the addon does for nothing. */
  readonly keepsConstants?: (node: Node) => boolean;
  readonly quantization: QuantizationRule;
  /** Appends the node's steps. An operator without it must vanish by folding. */
  lower?(node: Node, lowering: Lowering): void;
  /** True where output 0 is input 0. */
  identity?(node: Node): boolean;
  /** True where elements stay in their row-major order and only the dims change. */
  readonly reshapes?: true;
  /** Which axis of the input each axis of the output is, where that is all that changes. */
  permutation?(node: Node): readonly number[] | undefined;
  channelMoves?(node: Node, opset: number): ChannelMoves | undefined;
  /** Set for the two operators that convert between real and quantized numbers. */
  readonly conversion?: 'quantize' | 'dequantize';
  eltwise?(node: Node, opset: number): Eltwise | undefined;
  channelAffine?(node: Node): ChannelAffine | undefined;
  readonly linear?: LinearTrait;
  /**
   * True where channel c (axis 1) of output 0 depends on channel c of the data alone, and scaling that by any s > 0 scales the
   * result by s.
   */
  channelwise?(node: Node): boolean;
  /** True where results can never be negative, whatever comes in. */
  nonNegative?(node: Node, opset: number): boolean;
}
