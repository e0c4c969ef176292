/** Numbers that choose among rows or classes. */
import { ArgumentError, type Tensor } from "../index.js";

/**
 * Throws where a number is known already and is neither from 0 to `count - 1` nor `ignored`; what is still to be computed is
 * not waited for. `must` begins the message, `advice` ends it.
 */
export function checkIndices(indices: Tensor, count: number, must: string, advice: string, ignored?: number): void {
  if (indices.node.value === null) return;
  const wrong = indices.dataSync().find((i: number) => (i < 0 || i >= count) && i !== ignored);
  if (wrong !== undefined)
    throw new ArgumentError(`${must} from 0 to ${count - 1}, got ${wrong} in ${indices.describe()}. ${advice}`);
}
