/** The line of the caller's code that built a node, for errors that show only later. */
import type { Node } from "../ir/node.js";
import { callerFrames, placeOf } from "../util/stack.js";

const origins = new WeakMap<Node, Error>();

/** Notes where a node is being built. Only traced nodes are noted: there are few, and their errors are the late ones. */
export function noteOrigin(node: Node): void {
  const { scopes } = node;
  if (scopes.some((scope) => scope.abstract)) origins.set(node, new Error("origin"));
}

/** ` (built at file.ts:12:5)`, or nothing where it is not known. */
export function builtAt(node: Node): string {
  const place = placeOf(callerFrames(origins.get(node)?.stack ?? "")[0]);
  return place === undefined ? "" : ` (built at ${place})`;
}
