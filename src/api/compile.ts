/** Whole functions as one program: traced once, run many times, updating state in place. */
import type { Device, DeviceValue, Executable } from "../backend/backend.js";
import { detached } from "../ir/graph.js";
import type { Node, Scope } from "../ir/node.js";
import { topological } from "../ir/rewrite.js";
import { constant, hole, placeholder } from "../primitive/leaf.js";
import { commonDevice, getDevice } from "../tensor/device.js";
import { evaluateNodes, onDevice } from "../tensor/evaluate.js";
import { Tensor } from "../tensor/tensor.js";
import { assign, entries, leaves, Module, structure, unflatten } from "../tree/index.js";
import { ArgumentError, TraceError } from "../util/errors.js";
import { enter, type Entered, open } from "./marks.js";

export interface CompileOptions {
  /** Models, optimizers and other objects whose tensors the function changes; their memory is reused. */
  readonly state?: readonly object[];
}

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** What runs, for people; the program of the last call. */
  explain(): string;
  /** How many programs were traced. */
  readonly traces: () => number;
}

/** State that every compiled function may change, such as the default random generator. */
const shared = new Set<object>();
/** Makes an object part of the state of every compiled function from now on. */
export function shareState(object: object): void {
  shared.add(object);
}

/** Where an input of a program comes from. */
type Source =
  | { readonly kind: "argument" | "state"; readonly index: number }
  | { readonly kind: "hidden"; readonly node: Node };

interface Traced<R> {
  readonly executable: Executable;
  readonly sources: readonly Source[];
  readonly donated: readonly boolean[];
  /** The result as traced; its tensors are exchanged for computed ones. */
  readonly form: R;
  readonly results: number;
  /** Which state leaves the program writes, in the order of its outputs after the results. */
  readonly written: readonly number[];
}

const traceWarning = 16;

/**
 * A function that is traced at its first call with arguments of a form, and from then on runs as one program. Tensors in
 * `state` may be changed by the function; their old memory is taken over, so an older handle on such a tensor throws a
 * `DonatedError`. Tensors that the function closes over are read as they were when it was traced. Values cannot be read
 * while tracing; numbers and other static arguments become part of the program's key. Inside another transform or another
 * compiled function, where there is nothing to run yet, it is simply called.
 */
export function compile<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const programs = new Map<string, Traced<R>>();
  const keys: string[] = [];
  let last: Traced<R> | null = null;
  const step = (...args: A): R => {
    const state = [...(options.state ?? []), ...shared];
    if (leaves([args, state]).some(isTraced)) return f(...args);
    for (const object of state) if (object instanceof Module) object.beforeTrace(state);
    const key = `${getDevice().name}|${structure(args)}|${structure(state)}`;
    let program = programs.get(key);
    if (program === undefined) {
      const traced = trace(f, args, state);
      if (traced === null) return f(...args);
      program = traced;
      programs.set(key, program);
      keys.push(key);
      if (keys.length === traceWarning) warnAboutRetracing(keys);
    }
    last = program;
    return execute(program, args, state);
  };
  const explain = (): string => {
    if (last === null)
      throw new TraceError("explain: the function must have been called, got none. call it once first");
    return last.executable.explain();
  };
  return Object.assign(step, { explain, traces: () => programs.size });
}

/** Names the first thing in which the last two signatures differ. */
function warnAboutRetracing(keys: readonly string[]): void {
  const [before, after] = keys.slice(-2).map((k) => k.split(/[;|]/));
  const changed = after.findIndex((part, i) => part !== before[i]);
  console.warn(
    `compile: traced ${keys.length} times; the last two calls differ in "${before[changed]}" and "${after[changed]}". keep what changes at every call in a tensor`,
  );
}

const isTraced = (x: Tensor): boolean => x.node.scopes.some((scope) => scope.live);

/** The program of a call; `null` when the function closes over tensors of a transform that is still running. */
function trace<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: A,
  state: readonly object[],
): Traced<R> | null {
  const scope = open("compile", true);
  const enteredArgs = enter<A>(args, (x, i) => placeholder(x.aval, `argument tensor ${i}`, scope));
  const paths = entries(state).map((e) => e.path);
  const before = structure(state);
  const enteredState = enter(state, (x, i) => placeholder(x.aval, `state ${paths[i]}`, scope));
  try {
    const form = f(...enteredArgs.argument);
    if (form instanceof Promise) {
      form.catch(() => {}); // the error below says what is wrong with it
      throw new ArgumentError(
        "compile: the function must not be async, got one that returns a promise. read values outside of it",
      );
    }
    const after = structure(state);
    if (after !== before) throw changedStructure(before, after);
    return prepare(
      form,
      enteredArgs,
      enteredState,
      leaves(state).map((x) => x.node),
      scope,
    );
  } finally {
    scope.live = false;
    enteredArgs.restore();
    // What the trace assigned stands for values that are computed at each call.
    assign(state, enteredState.originals);
  }
}

function changedStructure(before: string, after: string): TraceError {
  const [was, now] = [before.split(";"), after.split(";")];
  const i = now.findIndex((part, k) => part !== was[k]);
  return new TraceError(
    `compile: the function must keep the structure of its state, got "${was[i] ?? "nothing"}" before and "${now[i] ?? "nothing"}" after. keep what changes in tensors of fixed dtype and shape`,
  );
}

function prepare<A, R>(
  form: R,
  args: Entered<A>,
  state: Entered<readonly object[]>,
  newState: readonly Node[],
  scope: Scope,
): Traced<R> | null {
  const results = leaves(form).map((y) => y.node);
  const written = newState.flatMap((node, i) => (node === state.nodes[i] ? [] : [i]));
  const outputs = [...results, ...written.map((i) => newState[i])];
  if (outputs.some((y) => y.scopes.some((other) => other !== scope && other.live))) return null;
  evaluateNodes(closedOver(outputs, scope));
  const known = new Map<Node, Source>();
  args.nodes.forEach((node, index) => known.set(node, { kind: "argument", index }));
  state.nodes.forEach((node, index) => known.set(node, { kind: "state", index }));
  const used = topological(outputs, (n) => !known.has(n) && n.value === null).filter(
    (n) => known.has(n) || n.value !== null,
  );
  const sources = used.map((node): Source => known.get(node) ?? { kind: "hidden", node });
  const donated = sources.map((s) => s.kind === "state" && written.includes(s.index));
  const graph = detached(used, outputs, (x) => hole(x.aval, "input"));
  const device = commonDevice(originalValues(args, state, sources));
  const executable = device.prepare({ inputs: graph.inputs, outputs: graph.outputs, donated });
  return { executable, sources, donated, form, results: results.length, written };
}

function originalValues<A>(args: Entered<A>, state: Entered<readonly object[]>, sources: readonly Source[]) {
  const nodes = [...args.originals, ...state.originals].map((x) => x.node);
  return [...nodes, ...sources.flatMap((s) => (s.kind === "hidden" ? [s.node] : []))].flatMap((n) => n.value ?? []);
}

/** Pending nodes from outside the trace that hold computed data: computed once, now, and then hidden inputs. */
function closedOver(outputs: readonly Node[], scope: Scope): readonly Node[] {
  const order = topological(outputs, (n) => n.value === null);
  const fromData = new Set<Node>();
  for (const n of order)
    if (!n.scopes.includes(scope) && (n.value !== null || n.inputs.some((x) => fromData.has(x)))) fromData.add(n);
  const edge = new Set(outputs.filter((n) => fromData.has(n)));
  for (const n of order) if (n.scopes.includes(scope)) for (const x of n.inputs) if (fromData.has(x)) edge.add(x);
  return [...edge];
}

function execute<A extends readonly unknown[], R>(program: Traced<R>, args: A, state: readonly object[]): R {
  const argNodes = leaves(args).map((x) => x.node);
  const stateNodes = leaves(state).map((x) => x.node);
  const nodes = program.sources.map((s) =>
    s.kind === "hidden" ? s.node : (s.kind === "argument" ? argNodes : stateNodes)[s.index],
  );
  evaluateNodes(nodes);
  const device = commonDevice(nodes.flatMap((n) => n.value ?? []));
  const held = nodes.map((n) => onDevice(n, device));
  const values = held.map((value, i) => {
    if (!program.donated[i]) return value;
    // Memory is taken over only when nothing else reads it: no other input, and no graph that is still to be computed.
    const isShared = nodes[i].readers > 0 || held.some((other, k) => k !== i && other === value);
    return isShared ? copyOf(device, value) : value;
  });
  const outputs = program.executable.run(values).map((v) => Tensor.of(constant(v)));
  const next = leaves(state);
  program.written.forEach((place, i) => (next[place] = outputs[program.results + i]));
  assign(state, next);
  return unflatten(program.form, outputs.slice(0, program.results));
}

function copyOf(device: Device, value: DeviceValue): DeviceValue {
  const { dtype, shape } = value;
  return device.upload({ device: "host", dtype, shape, data: device.read(value) });
}
