import type { Graph } from '../graph/graph';

/** One rewrite of a graph. Must leave the graph consistent; the pipeline checks it and names the pass where it is not. */
export interface Pass {
  readonly name: string;
  /** Returns the number of edits. */
  run(graph: Graph): number;
}
