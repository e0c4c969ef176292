/** Whole functions as one program: traced once, run many times, updating state in place. */
import type { Device, DeviceValue, Executable } from "../backend/backend.js";
import { hasRepeated } from "../backend/values.js";
import { detached } from "../ir/graph.js";
import type { Node, Scope } from "../ir/node.js";
import { topological } from "../ir/rewrite.js";
import { type Aval, sameAval } from "../ir/shape.js";
import { fill, hole, placeholder } from "../primitive/leaf.js";
import { commonDevice, getDevice } from "../tensor/device.js";
import { evaluateNodes, onDevice } from "../tensor/evaluate.js";
import { Tensor } from "../tensor/tensor.js";
import { assign, entries, Layout, leaves, Module, modules, structure, unflatten } from "../tree/index.js";
import { ArgumentError, TraceError } from "../util/errors.js";
import { listing } from "./listing.js";
import { enter, type Entered, nodesOf } from "./marks.js";
import { watchingHolds } from "./memory.js";
import { Programs } from "./programs.js";

export interface CompileOptions {
  /** Models, optimizers and other objects whose tensors the function changes; their memory is reused. */
  readonly state?: readonly object[];
}

/** One pass of the compiler, or the tracing before it. */
export interface PassExplanation {
  readonly name: string;
  readonly milliseconds: number;
  /** What there was after it. */
  readonly result: string;
}

/** A program that could run now. */
export interface Ready {
  readonly device: Device;
  readonly executable: Executable;
  readonly tracing: PassExplanation;
  readonly values: readonly DeviceValue[];
}

/** A compiled function. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R;
  /** The program of the last call as text, down to its statements; `explain(step)` runs it and says what takes how long. */
  explain(): string;
  /** For `explain`: the program for arguments with its inputs, or that of the last call. */
  ready(args: A | null): Ready;
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
  | { readonly kind: "hidden"; readonly tensor: Tensor };

interface Traced<R> {
  readonly executable: Executable;
  readonly device: Device;
  readonly tracing: PassExplanation;
  readonly sources: readonly Source[];
  readonly donated: readonly boolean[];
  /** Dtypes and shapes of the tensors among the arguments, and whether the arguments are tensors and nothing else. */
  readonly avals: readonly Aval[];
  readonly plainArguments: boolean;
  /** The result as traced; its tensors are exchanged for computed ones. */
  readonly form: R;
  readonly results: number;
  /** Which state leaves the program writes, in the order of its outputs after the results. */
  readonly written: readonly number[];
}

/** The program of the last call, and what must still be so for the next call to use it. */
interface Recent<R> {
  readonly program: Traced<R>;
  readonly state: readonly object[];
  readonly layout: Layout;
  /** The structure of the arguments. */
  readonly form: string;
  readonly device: Device;
}

/** Whether the arguments have the form they had at the last call. */
function isStill<R>(last: Recent<R>, args: readonly unknown[], inputs: readonly Tensor[]): boolean {
  if (getDevice() !== last.device || last.state.length < shared.size) return false;
  const { avals } = last.program;
  if (args !== inputs) return structure(args) === last.form;
  if (!last.program.plainArguments || inputs.length !== avals.length) return false;
  return inputs.every(({ node: { aval } }, i) => sameAval(aval, avals[i]));
}

const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;

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
  const programs = new Programs<Traced<R>>();
  let last: Recent<R> | null = null;
  const find = (args: A, state: readonly object[]): Recent<R> | null => {
    for (const object of state) if (object instanceof Module) object.beforeTrace(state);
    const form = structure(args);
    const key = `${getDevice().name}|${form}|${structure(state)}`;
    const program = programs.get(key) ?? trace(f, args, state);
    if (program === null) return null;
    programs.put(key, program);
    return { program, state, layout: new Layout(state), form, device: getDevice() };
  };
  const step = (...args: A): R => {
    const inputs = args.every(isTensor) ? args : leaves(args);
    if (inputs.some(isTraced)) return f(...args);
    if (last !== null && isStill(last, args, inputs)) {
      const tensors = last.layout.read();
      if (tensors !== null) return execute(last, inputs, tensors);
    }
    const state = [...(options.state ?? []), ...shared];
    if (leaves(state).some(isTraced)) return f(...args);
    last = find(args, state);
    return last === null ? f(...args) : execute(last, inputs, leaves(state));
  };
  const explain = (): string => {
    if (last === null)
      throw new TraceError("explain: the function must have been called, got none. call it once first");
    const account = last.program.executable.account();
    return account === null ? "reference: nothing is compiled" : `${listing(account.compiled)}\n${account.summary}`;
  };
  const ready = (args: A | null): Ready => {
    const state = [...(options.state ?? []), ...shared];
    const isAboutLast = args === null || (args.length === 0 && f.length > 0);
    const chosen = isAboutLast ? last : find(args, state);
    if (chosen === null)
      throw new TraceError(
        "explain: the function must have been called, or its arguments given, got neither. write explain(step, ...args)",
      );
    return readyFor(chosen.program, isAboutLast ? null : leaves(args), leaves(state));
  };
  return Object.assign(step, { explain, ready, traces: () => programs.made });
}

function isTraced({ node: { scopes } }: Tensor): boolean {
  return scopes.some((scope) => scope.live);
}

/** The program of a call; `null` when the function closes over tensors of a transform that is still running. */
function trace<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: A,
  state: readonly object[],
): Traced<R> | null {
  const start = performance.now();
  const scope: Scope = { name: "compile", abstract: true, live: true };
  const enteredArgs = enter<A>(args, (x, i) => placeholder(x.aval, `argument tensor ${i}`, scope));
  const paths = entries(state).map((e) => e.path);
  const before = structure(state);
  const enteredState = enter(state, (x, i) => placeholder(x.aval, `state ${paths[i]}`, scope));
  let held: readonly unknown[] = [];
  try {
    const [form, seen] = watchingHolds(() => f(...enteredArgs.argument));
    held = seen;
    if (form instanceof Promise) {
      form.catch(() => {}); // the error below says what is wrong with it
      throw new ArgumentError(
        "compile: the function must not be async, got one that returns a promise. read values outside of it",
      );
    }
    const after = structure(state);
    if (after !== before) throw changedStructure(before, after);
    return prepare(form, enteredArgs, enteredState, nodesOf(state), scope, start);
  } finally {
    scope.live = false;
    enteredArgs.restore();
    // What the trace assigned stands for values that are computed at each call.
    assign(state, enteredState.originals);
    checkNamed(held, scope);
  }
}

/** Throws when the traced function updated an object that the state does not name: later calls would not. */
function checkNamed(held: readonly unknown[], scope: Scope): void {
  for (const tree of held)
    for (const { path, leaf } of entries(tree)) {
      if (!leaf.node.scopes.includes(scope)) continue;
      const owner = modules(tree).findLast(({ path: at }) => path.startsWith(`${at}.`));
      throw new TraceError(
        `compile: what the function updates must be named in its state, got a new ${leaf.describe()} in ${owner?.module.constructor.name ?? "an object"} at ${path}. pass { state: [model, optimizer] }`,
      );
    }
}

function changedStructure(before: string, after: string): TraceError {
  const [was, now] = [before.split(";"), after.split(";")];
  const i = now.findIndex((part, k) => part !== was[k]);
  return new TraceError(
    `compile: the function must keep the structure of its state, got "${was[i] ?? "nothing"}" before and "${now[i] ?? "nothing"}" after. keep what changes in tensors of fixed dtype and shape`,
  );
}

function prepare<A extends readonly unknown[], R>(
  form: R,
  args: Entered<A>,
  state: Entered<readonly object[]>,
  newState: readonly Node[],
  scope: Scope,
  start: number,
): Traced<R> | null {
  const results = nodesOf(form);
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
  const sources = used.map((node): Source => known.get(node) ?? { kind: "hidden", tensor: Tensor.of(node) });
  const donated = sources.map((s) => s.kind === "state" && written.includes(s.index));
  const graph = detached(used, outputs, (x) => hole(x.aval, "input"));
  const device = commonDevice(originalValues(args, state, sources));
  const nodes = topological(graph.outputs).length;
  const tracing = { name: "trace", milliseconds: performance.now() - start, result: `${nodes} nodes` };
  const executable = device.prepare({ inputs: graph.inputs, outputs: graph.outputs, donated });
  const avals = args.originals.map((x) => x.node.aval);
  const plainArguments = args.argument.every(isTensor);
  return {
    executable,
    device,
    tracing,
    sources,
    donated,
    avals,
    plainArguments,
    form,
    results: results.length,
    written,
  };
}

/** What is known, when tracing, of the values that a program will run on. */
function originalValues<A>(args: Entered<A>, state: Entered<readonly object[]>, sources: readonly Source[]) {
  return sources.flatMap((s) => {
    const x = s.kind === "hidden" ? s.tensor : (s.kind === "argument" ? args : state).originals[s.index];
    return x.node.value ?? [];
  });
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

/** A program with inputs, of which zeros stand for arguments that are not given. */
function readyFor<R>(program: Traced<R>, args: readonly Tensor[] | null, state: readonly Tensor[]): Ready {
  const { device, sources, avals, executable, tracing } = program;
  const zeros = (aval: Aval): Node => fill(0, aval.dtype, aval.shape);
  const nodes = sources.map((s) => {
    if (s.kind === "hidden") return s.tensor.node;
    return s.kind === "state" ? state[s.index].node : (args?.[s.index].node ?? zeros(avals[s.index]));
  });
  evaluateNodes(nodes);
  return { device, executable, tracing, values: nodes.map((n) => onDevice(n, device)) };
}

/** One call. Small programs take few microseconds, so that each step of it is one pass over what goes in or comes out. */
function execute<R>({ program, layout }: Recent<R>, args: readonly Tensor[], state: readonly Tensor[]): R {
  const { device, executable, results, written } = program;
  const inputs = program.sources.map((s) =>
    s.kind === "hidden" ? s.tensor : (s.kind === "argument" ? args : state)[s.index],
  );
  if (inputs.some(isPending)) evaluateNodes(inputs.map((x) => x.node));
  const values = inputs.map((x) => x.untouched ?? onDevice(x.node, device));
  keepShared(program, inputs, values);
  const outputs = executable.run(values);
  for (let i = 0; i < written.length; i++) layout.put(written[i], Tensor.computed(outputs[results + i]));
  return unflatten(program.form, outputs.slice(0, results).map(Tensor.computed));
}

const isPending = (x: Tensor): boolean => x.untouched === null && x.node.value === null;

/** Memory is taken over only when nothing else reads it: no other input, and no graph that is still to be computed. */
function keepShared<R>({ donated, device }: Traced<R>, inputs: readonly Tensor[], values: DeviceValue[]): void {
  const repeated = hasRepeated(values) ? [...values] : [];
  const isRead = (x: Tensor): boolean => x.untouched === null && x.node.readers > 0;
  for (let i = 0; i < values.length; i++)
    if (donated[i] && (isRead(inputs[i]) || repeated.indexOf(values[i]) !== repeated.lastIndexOf(values[i])))
      values[i] = copyOf(device, values[i]);
}

function copyOf(device: Device, value: DeviceValue): DeviceValue {
  const { dtype, shape } = value;
  return device.upload({ device: "host", dtype, shape, data: device.read(value) });
}
