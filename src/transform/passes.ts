/** The three derivations of a graph: backward, forward, batched. Each walks nodes and asks their primitives' rules. */
import { Node } from "../ir/node.js";
import { topological } from "../ir/rewrite.js";
import { add, stacked } from "../primitive/define.js";
import { fillLike } from "../primitive/leaf.js";
import { zip } from "../util/arrays.js";

/** A value for each output of an application; `null` is a known zero. */
type Values = (Node | null)[];

/** Nodes computed from `sources`, up to `outputs`, inputs first. The sources themselves are not among them. */
export function dependents(sources: readonly Node[], outputs: readonly Node[]): Node[] {
  const reached = new Set(sources);
  const oldest = Math.min(...sources.map((x) => x.id));
  const order = topological(outputs, (n) => n.id > oldest && !reached.has(n));
  return order.filter((n) => {
    if (reached.has(n) || !n.inputs.some((x) => reached.has(x))) return false;
    reached.add(n);
    return true;
  });
}

/** Pulls cotangents of `outputs` back to `sources`; `seen` is told of each node's, and of what they come to for its inputs. */
export function backward(
  outputs: readonly Node[],
  seeds: readonly (Node | null)[],
  sources: readonly Node[],
  seen?: (node: Node, cotangents: Values, back: Values) => void,
): Values {
  const cotangents = new Map<Node, Values>();
  const contribute = (node: Node, output: number, g: Node | null): void => {
    if (g === null) return;
    const found = cotangents.get(node) ?? node.outputs.map(() => null);
    const sum = found[output];
    found[output] = sum === null ? g : add(sum, g);
    cotangents.set(node, found);
  };
  for (const [node, seed] of zip(outputs, seeds)) contribute(node, 0, seed);
  const order = dependents(sources, outputs);
  const active = new Set([...sources, ...order]);
  for (const node of order.toReversed()) {
    const g = cotangents.get(node);
    if (g === undefined) continue;
    cotangents.delete(node);
    const isPart = node.part !== null;
    const back = isPart ? g : node.primitive.vjp(node, g).map((ct, i) => (active.has(node.inputs[i]) ? ct : null));
    back.forEach((ct, i) => contribute(node.inputs[i], node.part ?? 0, ct));
    seen?.(node, g, isPart ? [] : back);
  }
  return sources.map((x) => cotangents.get(x)?.[0] ?? null);
}

/** Pushes tangents of `sources` forward to `outputs`. */
export function forward(
  outputs: readonly Node[],
  sources: readonly Node[],
  tangents: readonly (Node | null)[],
): Values {
  const known = new Map<Node, readonly (Node | null)[]>(zip(sources, tangents).map(([x, t]) => [x, [t]]));
  const tangentOf = (x: Node): Node | null => known.get(x)?.[0] ?? null;
  for (const node of dependents(sources, outputs)) {
    if (node.part !== null) {
      known.set(node, [known.get(node.inputs[0])?.[node.part] ?? null]);
      continue;
    }
    const ts = node.inputs.map(tangentOf);
    if (ts.some((t) => t !== null)) known.set(node, node.primitive.jvp(node, ts));
  }
  return outputs.map(tangentOf);
}

/** A value with or without a batch axis in front. */
export interface Batched {
  readonly node: Node;
  readonly batched: boolean;
}

/** `outputs` with `images`, batched along a new leading axis of length `size`, in place of `sources`. */
export function batch(
  outputs: readonly Node[],
  sources: readonly Node[],
  images: readonly Batched[],
  size: number,
): Batched[] {
  const known = new Map<Node, readonly Batched[]>(zip(sources, images).map(([x, image]) => [x, [image]]));
  const imageOf = (x: Node): Batched => known.get(x)?.[0] ?? { node: x, batched: false };
  for (const node of dependents(sources, outputs)) {
    if (node.part !== null) {
      const whole = known.get(node.inputs[0]);
      known.set(node, [whole ? whole[node.part] : { node, batched: false }]);
      continue;
    }
    const args = node.inputs.map(imageOf);
    const flags = args.map((a) => a.batched);
    const inputs = args.map((a) => a.node);
    if (flags.some(Boolean)) {
      const results = node.primitive.batch(inputs, flags, size, node.params);
      known.set(
        node,
        results.map((result) => ({ node: result, batched: true })),
      );
    } else {
      const copy = Node.parts(Node.apply(node.primitive, inputs, node.params));
      known.set(
        node,
        copy.map((part) => ({ node: part, batched: false })),
      );
    }
  }
  return outputs.map(imageOf);
}

/** The value itself when batched, else copies of it. */
export const stretch = (x: Batched, size: number): Node => (x.batched ? x.node : stacked(x.node, size));

/** A gradient, where a known zero becomes one of the right shape. */
export const materialize = (g: Node | null, like: Node): Node => g ?? fillLike(like, 0);
