/** What happens in a model when shapes go through it: multiply-adds and receptive fields of every module, without computing. */
import { type Shape, Tensor, graphOf, zeros, type DType } from "../index.js";
import { Module, modules } from "../tree/index.js";
import { hasWindows, type ReceptiveField, receptiveField } from "./convolution/receptive-field.js";

type Node = Tensor["node"];

const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

const unread = (x: Node) => ({
  ...x.aval,
  at(): never {
    throw new TypeError("survey: a value was read where only shapes are known");
  },
});

/** Multiply-adds of one node: a sum over products of two operands, or what the body of a composite or a loop does. */
function workOf({ inputs, outputs, part, params, primitive }: Node): number {
  if (part !== null || inputs.length === 0) return 0;
  const lowering = primitive.lower(inputs.map(unread), params, outputs);
  switch (lowering.form) {
    case "reduce":
      return lowering.combine === "sum" && inputs.length === 2 ? sizeOf(outputs[0].shape) * sizeOf(lowering.over) : 0;
    case "inline":
      return workIn(lowering.body);
    case "loop":
      return lowering.length * workIn(lowering.body);
    case "branch":
      return Math.max(...lowering.bodies.map(workIn));
    default:
      return 0;
  }
}

const workIn = (body: { readonly inputs: readonly Node[]; readonly outputs: readonly Node[] }): number =>
  nodesBelow(body.outputs, new Set(body.inputs)).reduce((sum, node) => sum + workOf(node), 0);

/** Nodes that outputs depend on, operands first, without those that were met before and what only they depend on. */
function nodesBelow(outputs: readonly Node[], met: Set<Node>): Node[] {
  const found: Node[] = [];
  const open = [...outputs];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (met.has(node)) continue;
    met.add(node);
    found.push(node);
    open.push(...node.inputs);
  }
  return found.toSorted((a, b) => a.id - b.id);
}

/** What elements see of the input, and whether a layer with windows lies between; `null` where it is not known. */
type Field = (Omit<ReceptiveField, "path"> & { readonly windowed: boolean }) | null;

const equal = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** What elements see that depend on elements of both fields. */
function union(a: Field, b: Field): Field {
  if (a === null || b === null || !equal(a.lengths, b.lengths) || !equal(a.jump, b.jump)) return null;
  const start = a.start.map((s, i) => Math.min(s, b.start[i]));
  const end = a.start.map((s, i) => Math.max(s + a.size[i], b.start[i] + b.size[i]));
  return { ...a, windowed: a.windowed || b.windowed, start, size: end.map((e, i) => e - start[i]) };
}

/** What one calls a layer's windows, after all that lies before them. */
function behind(field: Field, module: Module): Field {
  if (field === null || !hasWindows(module)) return null;
  const [own] = receptiveField([module.windows], field.lengths);
  return {
    windowed: true,
    lengths: own.lengths,
    size: field.size.map((r, i) => r + (own.size[i] - 1) * field.jump[i]),
    start: field.start.map((s, i) => s + own.start[i] * field.jump[i]),
    jump: field.jump.map((j, i) => j * own.jump[i]),
  };
}

/** What was seen of one module. */
export interface Observation {
  /** Shape of what `forward` gave last. */
  outputShape: Shape;
  /** Multiply-adds of its own, without those of modules inside it, of all its calls. */
  multiplyAdds: number;
  /** How many elements of the input each element of the output sees, along each spatial axis; `null` where it is not known. */
  receptiveField: readonly number[] | null;
}

/** Keeps count while modules run one inside another. */
class Survey {
  readonly seen = new Map<Module, Observation>();
  readonly #met = new Set<Node>();
  /** Of nodes that depend on the input. */
  readonly #fields = new Map<Node, Field>();

  /** Axes of a tensor of windows. */
  readonly #windowsRank: number;

  constructor(x: Tensor) {
    const lengths = x.shape.slice(2);
    const every = (n: number): number[] => lengths.map(() => n);
    this.#met.add(x.node);
    this.#fields.set(x.node, { windowed: false, lengths, size: every(1), jump: every(1), start: every(0) });
    this.#windowsRank = x.rank + lengths.length;
  }

  /**
   * Goes through what is new below a node: its multiply-adds, and what each sees. Products and windows may mix places in any
   * way; layers that have windows tell of themselves, and what else there is keeps places.
   */
  #explore(result: Node): number {
    let work = 0;
    for (const node of nodesBelow([result], this.#met)) {
      const fields = node.inputs.map((x) => this.#fields.get(x)).filter((f) => f !== undefined);
      if (fields.length === 0) continue; // weights and constants
      const own = workOf(node);
      const mixes = own > 0 || node.outputs[0].shape.length >= this.#windowsRank;
      this.#fields.set(node, mixes ? null : fields.reduce(union));
      work += own;
    }
    return work;
  }

  /** What the elements of a module's input see; `null` where axes have been joined or cut since. */
  #fieldOf(input: unknown): Field {
    const field = input instanceof Tensor ? (this.#fields.get(input.node) ?? null) : null;
    return field && input instanceof Tensor && equal(input.shape.slice(2), field.lengths) ? field : null;
  }

  /** A module has been called. */
  note(module: Module, input: unknown, output: Tensor): void {
    const work = this.#explore(output.node);
    if (hasWindows(module)) this.#fields.set(output.node, behind(this.#fieldOf(input), module));
    const field = this.#fields.get(output.node) ?? null;
    const fits = field !== null && equal(output.shape.slice(2), field.lengths);
    if (!fits) this.#fields.set(output.node, null);
    this.seen.set(module, {
      outputShape: output.shape,
      multiplyAdds: (this.seen.get(module)?.multiplyAdds ?? 0) + work,
      receptiveField: fits && field.windowed ? field.size : null,
    });
  }
}

type Forward = (this: Module, ...args: readonly unknown[]) => unknown;
const forwardOf = (module: Module): Forward | null => {
  const method: unknown = Reflect.get(module, "forward");
  return typeof method === "function" ? (...args) => Reflect.apply(method, module, args) : null;
};

/** Runs `f` while the survey is told of every call of a module's `forward`. */
function watching<T>(model: Module, survey: Survey, f: () => T): T {
  const watched = modules(model).flatMap(({ module }) => {
    const forward = forwardOf(module);
    if (forward === null) return [];
    const watched = (...args: readonly unknown[]): unknown => {
      const result = Reflect.apply(forward, module, args);
      if (result instanceof Tensor) survey.note(module, args[0], result);
      return result;
    };
    Object.defineProperty(module, "forward", { value: watched, configurable: true, enumerable: false });
    return [module];
  });
  try {
    return f();
  } finally {
    for (const module of watched) Reflect.deleteProperty(module, "forward");
  }
}

/** What is seen of every module when an input of a shape goes through a model in evaluation mode. Only graphs are built. */
export function surveyOf(
  model: Module & { forward(x: Tensor): Tensor },
  inputShape: Shape,
  dtype: DType | undefined,
): ReadonlyMap<Module, Observation> {
  const modes = modules(model).map(({ module }) => ({ module, training: module.training }));
  model.eval();
  try {
    let seen: ReadonlyMap<Module, Observation> = new Map();
    // In the scope of `graphOf` a long graph waits, where it would else be computed on its way.
    graphOf(
      (x: Tensor) => {
        const survey = new Survey(x);
        seen = survey.seen;
        return watching(model, survey, () => model.forward(x));
      },
      zeros(inputShape, { dtype }),
    );
    return seen;
  } finally {
    for (const { module, training } of modes) module.training = training;
  }
}
