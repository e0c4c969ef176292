/** Freeing values at a known moment. Never required: values nobody holds are freed by themselves. */
import type { DeviceValue } from "../backend/backend.js";
import type { Node, Stored } from "../ir/node.js";
import { evaluateNodes, isHeld } from "./evaluate.js";

let active: Set<Node> | null = null;

/** Notes that a handle was made. */
export function register(handle: { readonly node: Node }): void {
  active?.add(handle.node);
}

const isDeviceValue = (value: Stored): value is DeviceValue => "free" in value;

/** Frees a node's value, if it has one on a device. */
export function release(node: Node): void {
  if (node.value !== null && isDeviceValue(node.value)) node.value.free();
}

/** Runs `f`, computes the nodes of its result, and frees what else was computed meanwhile, but for held state. */
export function scoped<T>(f: () => T, nodesOf: (result: T) => readonly Node[]): T {
  const outer = active;
  const own = new Set<Node>();
  active = own;
  try {
    const result = f();
    const kept = nodesOf(result);
    const isTraced = kept.some((n) => n.scopes.length > 0); // then a running transform may need all of it
    if (!isTraced) evaluateNodes(kept);
    const values = new Set(kept.map((n) => n.value));
    for (const node of own) if (!isTraced && !values.has(node.value) && !isHeld(node)) release(node);
    (isTraced ? own : kept).forEach((n) => outer?.add(n));
    return result;
  } finally {
    active = outer;
  }
}
