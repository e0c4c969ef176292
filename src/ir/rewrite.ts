/** Walking and rebuilding graphs, without recursion: an unrolled loop of many thousand nodes must not overflow the stack. */
import { Node } from "./node.js";
import type { Graph } from "./graph.js";
import { invariant } from "../util/errors.js";

/** Nodes reachable from `roots`, inputs first. `enter` may refuse to walk past a node, which is then listed as a leaf. */
export function topological(roots: readonly Node[], enter: (node: Node) => boolean = () => true): Node[] {
  const walk = ++walks;
  const found: Node[] = [];
  const meet = (nodes: readonly Node[]): void => {
    for (let i = nodes.length - 1; i >= 0; i--) {
      if (nodes[i].walk === walk) continue;
      nodes[i].walk = walk;
      found.push(nodes[i]);
    }
  };
  meet(roots);
  for (let i = 0; i < found.length; i++) if (enter(found[i])) meet(found[i].inputs);
  found.reverse(); // mostly in order by now
  return found.every((x, i) => i === 0 || found[i - 1].id < x.id) ? found : found.sort((x, y) => x.id - y.id);
}

let walks = 0;

/** The same application (or part) on other inputs; the node itself when nothing changed. */
export function withInputs(node: Node, inputs: readonly Node[]): Node {
  if (inputs.every((x, i) => x === node.inputs[i])) return node;
  if (node.part !== null) return Node.parts(inputs[0])[node.part];
  return Node.apply(node.primitive, inputs, node.params);
}

/** The outputs of `graph` with `args` in place of its inputs. Nodes that do not depend on an input are shared. */
export function substitute(graph: Graph, args: readonly Node[]): Node[] {
  invariant(args.length === graph.inputs.length, `a graph of ${graph.inputs.length} inputs was given ${args.length}`);
  const image = new Map<Node, Node>(graph.inputs.map((x, i) => [x, args[i]]));
  const first = Math.min(...graph.inputs.map((x) => x.id));
  for (const node of topological(graph.outputs, (n) => n.id > first && !image.has(n))) {
    if (image.has(node)) continue;
    image.set(
      node,
      node.id < first
        ? node
        : withInputs(
            node,
            node.inputs.map((x) => image.get(x) ?? x),
          ),
    );
  }
  return graph.outputs.map((x) => image.get(x) ?? x);
}
