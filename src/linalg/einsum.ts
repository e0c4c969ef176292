/** Einstein summation: products of tensors, summed over the axes that the result does not name. */
import { type DType, promote } from "../ir/dtype.js";
import { dot } from "../primitive/contraction.js";
import { range } from "../util/arrays.js";
import { ArgumentError, ShapeError } from "../util/errors.js";
import { toNumber } from "../tensor/coerce.js";
import { contractionOrder, type Order } from "./contraction-order.js";
import { Tensor } from "../tensor/tensor.js";

/** An operand with a label for every axis. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/**
 * Einstein summation in NumPy's notation: `einsum("bij,bjk->bik", x, y)`. A label is a letter and stands for one length
 * throughout; a label that an operand repeats takes the diagonal; labels that the result leaves out are summed over, and
 * without `->` it has those that appear once, in alphabetic order. `...` stands for further axes, which broadcast. Of more
 * than two operands, pairs are multiplied in the order that takes the fewest multiplications.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const { inputs, output } = parse(equation, operands);
  const dtype = operands.reduce<DType>((d, x) => promote("einsum", d, x.dtype), operands[0].dtype);
  const terms = operands.map((x, i) => diagonal(equation, { x: x.astype(toNumber(dtype)), labels: inputs[i] }));
  const { x, labels } = summed(product(broadcastable(equation, terms), output), new Set(output));
  return x.transpose(output.map((label) => labels.indexOf(label)));
}

/** The labels of each operand and of the result; axes under `...` have numbers, counted from the last, for labels. */
function parse(equation: string, operands: readonly Tensor[]): { inputs: string[][]; output: string[] } {
  const fail = (must: string): never => {
    throw new ArgumentError(
      `einsum: ${must}, got "${equation}" for ${operands.map((x) => x.describe()).join(", ")}. write it as in "ij,jk->ik"`,
    );
  };
  const [left, right, ...more] = equation.replaceAll(" ", "").split("->");
  const parts = left.split(",");
  const isPart = (part: string): boolean => /^[a-z]*(\.\.\.)?[a-z]*$/i.test(part);
  if (more.length > 0 || ![...parts, right ?? ""].every(isPart))
    fail('the equation must be letters and "..." between commas, with at most one "->"');
  if (parts.length !== operands.length || operands.length === 0)
    fail(`there must be one operand for each of ${parts.length} terms`);
  const letters = (part: string): string[] => [...part.replace("...", "")];
  let widest = 0;
  const inputs = parts.map((part, i) => {
    const free = operands[i].rank - letters(part).length;
    if (free < 0 || (free > 0 && !part.includes("..."))) fail(`term ${i} must name every axis`);
    widest = Math.max(widest, free);
    return labelsOf(part, free);
  });
  const all = inputs.flat().filter((label) => /[a-z]/i.test(label));
  const once = [...new Set(all)].filter((label) => all.indexOf(label) === all.lastIndexOf(label)).sort();
  const output = labelsOf(right ?? `...${once.join("")}`, (right ?? "...").includes("...") ? widest : 0);
  if (new Set(output).size !== output.length) fail("the result must name each label once");
  if (output.some((label) => !inputs.flat().includes(label))) fail("the result must name labels that an operand has");
  return { inputs, output };
}

const labelsOf = (part: string, free: number): string[] => {
  const [before, after] = part.split("...");
  return [...before, ...(after === undefined ? [] : [...range(free).map((i) => String(free - 1 - i)), ...after])];
};

const lengthOf = ({ x, labels }: Labelled, label: string): number => x.shape[labels.indexOf(label)];

/** Each label once: where an operand repeats one, the elements whose places along both axes agree. */
function diagonal(equation: string, { x, labels }: Labelled): Labelled {
  const label = labels.find((l, i) => labels.indexOf(l) !== i);
  if (label === undefined) return { x, labels };
  const [i, j] = [labels.indexOf(label), labels.lastIndexOf(label)];
  const n = x.shape[i];
  if (x.shape[j] !== n) throw differing(equation, label, n, x.shape[j]);
  const rest = labels.filter((_, k) => k !== i && k !== j);
  const last = x.moveAxis(i, -1).moveAxis(j - 1, -1);
  const flat = last.reshape([...last.shape.slice(0, -2), n * n]);
  return diagonal(equation, { x: flat.at("...", `::${n + 1}`), labels: [...rest, label] });
}

const differing = (equation: string, label: string, a: number, b: number): ShapeError =>
  new ShapeError(
    `einsum: a label must stand for one length, got ${a} and ${b} for ${label} in "${equation}". check the shapes`,
  );

/** The terms, checked to agree in the length of each label; axes under `...` of length 1 go where others are longer. */
function broadcastable(equation: string, terms: readonly Labelled[]): Labelled[] {
  const lengths = new Map<string, number>();
  for (const term of terms)
    for (const label of term.labels) {
      const [known, own] = [lengths.get(label) ?? 1, lengthOf(term, label)];
      const isFree = /\d/.test(label) || !lengths.has(label);
      if (known !== own && !(isFree && (known === 1 || own === 1))) throw differing(equation, label, known, own);
      lengths.set(label, known === 1 ? own : known);
    }
  return terms.map((term) => {
    const narrow = term.labels.filter((label) => lengthOf(term, label) !== lengths.get(label));
    const axes = narrow.map((label) => term.labels.indexOf(label));
    return { x: term.x.squeeze(axes), labels: term.labels.filter((label) => !narrow.includes(label)) };
  });
}

/** Without the labels that nothing needs. */
function summed({ x, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const gone = range(labels.length).filter((i) => !needed.has(labels[i]));
  return { x: x.sum(gone), labels: labels.filter((label) => needed.has(label)) };
}

/** The product of all terms, pair by pair. */
function product(terms: readonly Labelled[], output: readonly string[]): Labelled {
  const lengths = new Map(terms.flatMap((t) => t.labels.map((label) => [label, lengthOf(t, label)] as const)));
  const names = terms.map((t) => t.labels);
  const { order } = contractionOrder(names, output, (label) => lengths.get(label) ?? 1);
  const members = (part: Order): number[] => (typeof part === "number" ? [part] : part.flatMap(members));
  const multiply = (part: Order): Labelled => {
    if (typeof part === "number") return terms[part];
    const inside = new Set(members(part));
    const outside = names.flatMap((labels, i) => (inside.has(i) ? [] : labels));
    return contract(multiply(part[0]), multiply(part[1]), new Set([...output, ...outside]));
  };
  return multiply(order);
}

/** The product of two terms, summed over the labels they share and nothing needs later. */
function contract(a: Labelled, b: Labelled, later: ReadonlySet<string>): Labelled {
  const left = summed(a, new Set([...later, ...b.labels]));
  const right = summed(b, new Set([...later, ...a.labels]));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const over = shared.filter((label) => !later.has(label));
  const places = (term: Labelled, labels: readonly string[]): number[] => labels.map((l) => term.labels.indexOf(l));
  const x = dot(left.x.node, right.x.node, {
    contract: [places(left, over), places(right, over)],
    batch: [places(left, batch), places(right, batch)],
  });
  const free = (term: Labelled): string[] => term.labels.filter((label) => !shared.includes(label));
  return { x: Tensor.of(x), labels: [...batch, ...free(left), ...free(right)] };
}
