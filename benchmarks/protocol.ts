import type { NetworkProfile } from '../lib/evaluation/layer-profile';
import type { ThroughputResult } from '../lib/evaluation/throughput';

export type Engine = 'calibr8' | 'onnxruntime';
export type Precision = 'fp32' | 'int8';

/** One kind of measurement: what is the same in all of its trials. */
export interface Configuration {
  /** Name of the network, in tables. */
  network: string;
  precision: Precision;
  model: string;
  engine: Engine;
  batch: number;
  /** Runs computed at once. */
  streams: number;
  /** Threads of each stream. */
  threads: number;
}

/** What a process of its own is asked to do. */
export type Task =
  | {
      kind: 'throughput';
      model: string;
      engine: Engine;
      batch: number;
      streams: number;
      threads: number;
      seconds: number;
    }
  | { kind: 'overhead'; model: string; batch: number; threads: number; seconds: number }
  | { kind: 'layers'; model: string; batch: number; threads: number; seconds: number }
  | { kind: 'runs'; model: string; threads: number; samples: number }
  | {
      kind: 'calibration';
      model: string;
      algo: 'max' | 'KL';
      threads: number;
      samples: number;
      output: string;
    };

/** What it answers. */
export interface Answers {
  throughput: ThroughputResult;
  overhead: Overhead;
  layers: NetworkProfile;
  runs: Cost;
  calibration: Cost;
}

/** A run as its caller sees it, and the time of the primitives in it. Medians, milliseconds. */
export interface Overhead {
  /** From the call of run() until its promise is settled. */
  runMs: number;
  /** A run on the stream's thread. */
  executionMs: number;
  /** The steps' own times, added up. */
  primitivesMs: number;
  steps: StepFacts[];
}

export interface StepFacts {
  name: string;
  kernel: string;
  implementation: string;
  dataTypes: string;
}

/** Times in seconds. */
export interface Cost {
  /** Reading the model and preparing it. */
  load: number;
  /** All runs, sampling included; the first one compiles. */
  runs: number;
  /** Choosing ranges and writing the INT8 model; 0 where there is nothing to save. */
  save: number;
  /** High-water mark of the process's resident memory. */
  peakBytes: number;
}
