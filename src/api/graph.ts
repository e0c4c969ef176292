/** The graph of a computation as data to draw and to study: its operations, their values, and how a gradient flows back. */
import { isFloat } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { topological } from "../ir/rewrite.js";
import { fillLike } from "../primitive/leaf.js";
import { Tensor } from "../tensor/tensor.js";
import { backward, dependents } from "../transform/index.js";
import { entries } from "../tree/index.js";
import { ArgumentError } from "../util/errors.js";
import { marked, nodesOf } from "./marks.js";

/** A value in a computation, and the operation that makes it. */
export interface GraphNode {
  readonly id: number;
  /** The operation's name; an input's path, such as `x.layers.0.weight`. */
  readonly label: string;
  readonly kind: "input" | "constant" | "operation";
  /** Whether it is among the results. */
  readonly isOutput: boolean;
  readonly value: Tensor;
  /** The derivative of the result by this value, of its shape; `null` where none flows, or where there is no one result. */
  readonly adjoint: Tensor | null;
}

/** An operand: the value `from` goes into the operation that makes `to`. */
export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  /** Which operand it is. */
  readonly operand: number;
  /** What this use adds to the adjoint of `from`: the adjoint of `to` times the local derivative; `null` where nothing flows. */
  readonly contribution: Tensor | null;
}

export interface DrawingOptions {
  /** Write values of at most so many elements; 4 unless given, 0 for none. Reads them. */
  readonly values?: number;
  /** Draw the way back: adjoints in the nodes, and dashed edges against the flow. */
  readonly adjoints?: boolean;
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
const short = (v: number): string => `${Number(v.toPrecision(4))}`;

/** Dtype and shape, and the value where it is small. */
function valueText(x: Tensor, most: number): string {
  if (x.size > most) return x.describe();
  const numbers = Array.from(x.dataSync(), short).join(" ");
  return x.rank === 0 ? numbers : `[${numbers}]`;
}

/** What `graphOf` finds: a directed acyclic graph, operands first. */
export class ComputationGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  constructor(nodes: readonly GraphNode[], edges: readonly GraphEdge[]) {
    this.nodes = nodes;
    this.edges = edges;
  }

  /** What stands in a node below its label. */
  #details({ value, adjoint }: GraphNode, { values = 4, adjoints = false }: DrawingOptions): string[] {
    const back = adjoints && adjoint !== null ? [`∂ ${valueText(adjoint, values)}`] : [];
    return [valueText(value, values), ...back];
  }

  /** The edges along which something flows back. */
  #back({ adjoints = false }: DrawingOptions): readonly GraphEdge[] {
    return adjoints ? this.edges.filter((e) => e.contribution !== null) : [];
  }

  /** The graph in Graphviz's language. */
  toDot(options: DrawingOptions = {}): string {
    const lines = this.nodes.map((n) => {
      const text = [n.label, ...this.#details(n, options)].map(escaped).join("\\n");
      const shape = { input: "box", constant: "plaintext", operation: "ellipse" }[n.kind];
      return `  n${n.id} [label="${text}", shape=${shape}${n.isOutput ? ", peripheries=2" : ""}];`;
    });
    const flow = this.edges.map((e) => `  n${e.from} -> n${e.to};`);
    const back = this.#back(options).map(
      (e) => `  n${e.to} -> n${e.from} [style=dashed, color=red, constraint=false];`,
    );
    return ["digraph {", "  rankdir=BT;", ...lines, ...flow, ...back, "}"].join("\n");
  }

  /** The graph as `plot.graph` draws it: inputs and operations in two colours, results framed, constants plain. */
  drawing(options: DrawingOptions = {}) {
    const colours = { input: 0, constant: undefined, operation: 2 };
    return {
      boxes: this.nodes.map((n) => ({
        id: n.id,
        label: n.label,
        details: this.#details(n, options),
        colour: colours[n.kind],
        isStrong: n.isOutput,
        isPlain: n.kind === "constant",
      })),
      arrows: [
        ...this.edges.map(({ from, to }) => ({ from, to })),
        ...this.#back(options).map(({ from, to }) => ({ from: to, to: from, isBack: true })),
      ],
    };
  }
}

/** The cotangents of nodes, and of each operand of an application, pulled back from one output. */
function adjointsOf(output: Node, sources: readonly Node[]) {
  const adjoints = new Map<Node, Node | null>();
  const contributions = new Map<Node, readonly (Node | null)[]>();
  const found = backward([output], [fillLike(output, 1)], sources, (node, [g], back) => {
    adjoints.set(node, g);
    contributions.set(node, back);
  });
  sources.forEach((x, i) => adjoints.set(x, found[i]));
  return { adjoint: (x: Node): Node | null => adjoints.get(x) ?? null, contributions };
}

const labelOf = (node: Node): string => {
  const { params } = node;
  const isCall = typeof params === "object" && params !== null && "label" in params && typeof params.label === "string";
  if (node.part !== null) return `output ${node.part}`;
  return isCall ? String(params.label) : node.primitive.name;
};

const tensorOf = (node: Node | null | undefined): Tensor | null => (node ? Tensor.of(node) : null);

type Adjoints = ReturnType<typeof adjointsOf>;
const noAdjoints: Adjoints = { adjoint: () => null, contributions: new Map() };

/** An application with several outputs is drawn as these: each has the operands of the application. */
const operandsOf = (n: Node): readonly Node[] => (n.part === null ? n.inputs : n.inputs[0].inputs);

function edgesInto(n: Node, to: number, places: ReadonlyMap<Node, number>, { contributions }: Adjoints): GraphEdge[] {
  return operandsOf(n).flatMap((x, operand) => {
    const from = places.get(x);
    return from === undefined ? [] : [{ from, to, operand, contribution: tensorOf(contributions.get(n)?.[operand]) }];
  });
}

/** The graph below the outputs, down to the marked inputs. */
function describe(outputs: readonly Node[], inputs: readonly Node[], names: readonly string[]): ComputationGraph {
  const inputNames = new Map(inputs.map((x, i) => [x, names[i]]));
  const computed = new Set(dependents(inputs, outputs));
  const kindOf = (n: Node): GraphNode["kind"] =>
    inputNames.has(n) ? "input" : computed.has(n) ? "operation" : "constant";
  // What does not depend on the inputs is a constant, however it was made.
  const all = topological(outputs, (n) => kindOf(n) === "operation").filter((n) => n.outputs.length === 1);
  const [only] = outputs;
  const hasGradient = outputs.length === 1 && isFloat(only.dtype) && only.shape.length === 0 && computed.has(only);
  const adjoints = hasGradient ? adjointsOf(only, inputs) : noAdjoints;
  const results = new Set(outputs);
  const nodes = all.map((n, id): GraphNode => {
    const kind = kindOf(n);
    const label = inputNames.get(n) ?? (kind === "constant" ? "constant" : labelOf(n));
    const adjoint = tensorOf(adjoints.adjoint(n));
    return { id, label, kind, isOutput: results.has(n), value: Tensor.of(n), adjoint };
  });
  const places = new Map(all.map((n, i) => [n, i]));
  const edges = all.flatMap((n, to) => (nodes[to].kind === "operation" ? edgesInto(n, to, places, adjoints) : []));
  return new ComputationGraph(nodes, edges);
}

/**
 * The graph of `f(...args)`: its inputs, the tensors of the arguments (`x`, or `x0`, `x1`, …, with their paths), its operations
 * and its constants. When the result is one scalar, every node has its adjoint `∂f/∂node` and every edge what it adds to
 * that: the backpropagation graph. Values and adjoints are tensors, and nothing is computed before they are read.
 */
export function graphOf<A extends readonly unknown[]>(f: (...args: A) => unknown, ...args: A): ComputationGraph {
  const names = entries(args).map(({ path }) => path.replace(/^\d+/, (i) => (args.length === 1 ? "x" : `x${i}`)));
  const { argument, nodes, close } = marked("graphOf", args);
  try {
    const outputs = nodesOf(f(...argument));
    if (outputs.length === 0)
      throw new ArgumentError("graphOf: the function must return tensors, got none. return the result");
    return describe(outputs, nodes, names);
  } finally {
    close();
  }
}
