/** Looking again at a tree that did not change, for little. */
import type { DType } from "../ir/dtype.js";
import type { Node } from "../ir/node.js";
import { type Aval, type Shape, sameShape } from "../ir/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { type Branch, children, isBranch, Module } from "./module.js";

/** The fields of a branch by name; an array's are its elements. */
type Fields = Record<string, unknown>;
const fieldsOf = (branch: Branch): Fields => branch as Fields;

interface Slot {
  readonly fields: Fields;
  readonly key: string;
}

/** A field and what must stand in it: a static value, or a branch. */
interface Fixed extends Slot {
  readonly value: unknown;
}

/** A place of a tensor, and the form it has there. */
interface Place extends Slot {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The form of a node that is no transform's own. */
const plainForm = ({ scopes, aval }: Node): Aval | null => (scopes.length > 0 ? null : aval);

const countFields = (fields: Fields): number => {
  if (Array.isArray(fields)) return fields.length;
  let count = 0;
  for (const _ in fields) count++;
  return count;
};

/**
 * Where the tensors of some objects stand, with everything else that `structure` sees. While they have
 * the structure they had, their tensors are read and exchanged without walking them.
 */
export class Layout {
  readonly #places: Place[] = [];
  readonly #fixed: Fixed[] = [];
  readonly #counts: { readonly fields: Fields; readonly count: number }[] = [];

  constructor(roots: readonly object[]) {
    const met = new Set<Module>();
    for (const root of roots) this.#record(root, met);
  }

  #record(part: unknown, met: Set<Module>): void {
    if (!isBranch(part) || (part instanceof Module && met.has(part))) return;
    if (part instanceof Module) met.add(part);
    const fields = fieldsOf(part);
    this.#counts.push({ fields, count: countFields(fields) });
    for (const [key, value] of children(part)) {
      if (value instanceof Tensor) this.#places.push({ fields, key, dtype: value.dtype, shape: value.shape });
      else {
        this.#fixed.push({ fields, key, value });
        this.#record(value, met);
      }
    }
  }

  /**
   * The tensors, in the order of `leaves`; `null` when the objects no longer have the same fields, static values and forms
   * of tensors, or when a transform has put its own tensors there.
   */
  read(): readonly Tensor[] | null {
    for (const { fields, count } of this.#counts) if (countFields(fields) !== count) return null;
    for (const { fields, key, value } of this.#fixed) if (!Object.is(fields[key], value)) return null;
    const found = new Array<Tensor>(this.#places.length);
    for (let i = 0; i < found.length; i++) {
      const { fields, key, dtype, shape } = this.#places[i];
      const x = fields[key];
      if (!(x instanceof Tensor)) return null;
      const form = x.untouched ?? plainForm(x.node);
      if (form === null || form.dtype !== dtype || !sameShape(form.shape, shape)) return null;
      found[i] = x;
    }
    return found;
  }

  /** Exchanges the tensor at a place, counted in the order of `leaves`. */
  put(place: number, x: Tensor): void {
    const { fields, key } = this.#places[place];
    fields[key] = x;
  }
}
