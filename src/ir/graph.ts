import type { Node } from "./node.js";
import { printGraph } from "./print.js";

/** A function as data: placeholder nodes and the nodes computed from them. Closed graphs use no others. */
export class Graph {
  readonly inputs: readonly Node[];
  readonly outputs: readonly Node[];
  #text: string | null = null;
  constructor(inputs: readonly Node[], outputs: readonly Node[]) {
    this.inputs = inputs;
    this.outputs = outputs;
  }
  /** In keys of params a graph stands for its program, so that equal functions are equal params. */
  toJSON(): string {
    return (this.#text ??= printGraph(this.inputs, this.outputs));
  }
}
