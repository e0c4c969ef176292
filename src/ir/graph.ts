import { Node } from "./node.js";
import { programKey } from "./print.js";
import { topological } from "./rewrite.js";

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
    return (this.#text ??= programKey(this.inputs, this.outputs));
  }
}

/** A copy of a graph with new nodes throughout: it outlives the values, and the inputs, of the nodes it was made from. */
export function detached(inputs: readonly Node[], outputs: readonly Node[], copyInput: (x: Node) => Node): Graph {
  const image = new Map<Node, Node>(inputs.map((x) => [x, copyInput(x)]));
  const imageOf = (x: Node): Node => image.get(x) ?? x;
  for (const node of topological(outputs, (n) => !image.has(n))) {
    if (image.has(node)) continue;
    const args = node.inputs.map(imageOf);
    const copy = node.part === null ? Node.apply(node.primitive, args, node.params) : Node.parts(args[0])[node.part];
    image.set(node, copy);
  }
  return new Graph(inputs.map(imageOf), outputs.map(imageOf));
}
