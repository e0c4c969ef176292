/** Running sums and extremes. */
import { isFloat, numbers } from "../ir/dtype.js";
import { Node, type Primitive } from "../ir/node.js";
import { range } from "../util/arrays.js";
import { equal, notEqual, or, select } from "./arithmetic.js";
import { apply, checkDType, reducedShape } from "./define.js";
import { gather, scatterAdd } from "./indexing.js";
import { fillLike, iota } from "./leaf.js";
import { moveAxis } from "./movement.js";
import { avals, build, element, refusal, sample } from "./ndarray.js";

interface Running {
  readonly axis: number;
  /** From the end of the axis. */
  readonly reverse: boolean;
}

/** `y[i]` folds x from the start of the axis to i (from i to its end when `reverse`). */
function prefix(
  name: string,
  combine: "sum" | "max" | "min",
  fold: (a: number, b: number) => number,
  rules: Pick<Primitive<Running>, "vjp" | "jvp">,
): Primitive<Running> {
  const primitive: Primitive<Running> = {
    name,
    ...rules,
    infer([x], { axis }) {
      checkDType(name, x, numbers);
      reducedShape(name, x, [axis]);
      return [x];
    },
    batch: ([x], _batched, _size, { axis, reverse }) => [apply(primitive, [x], { axis: axis + 1, reverse })],
    lower: ([x], { axis, reverse }) => ({ form: "prefix", combine, axis, reverse, value: (at) => x.at(at) }),
    reference: ([x], { axis, reverse }) => [
      build(x.shape, (i) => {
        const places = range(x.shape[axis]).filter((k) => (reverse ? k >= i[axis] : k <= i[axis]));
        return places.map((k) => element(x, i.with(axis, k))).reduce(fold);
      }),
    ],
    samples: numbers.flatMap((dtype) => [
      sample(dtype, [[5]], { axis: 0, reverse: false }),
      sample(dtype, [[3, 4]], { axis: 0, reverse: true }),
      sample(dtype, [[2, 3, 4]], { axis: 1, reverse: false }),
    ]),
    errors: [
      refusal(avals("float32", [2]), { axis: 1, reverse: false }, `${name}: the axis must lie in float32[2], got 1`),
      refusal(avals("bool", [2]), { axis: 0, reverse: false }, `${name}: dtype must be`),
    ],
  };
  return primitive;
}

/** Running sum along an axis, from its end when `reverse`. */
export const cumsumPrimitive = prefix("cumsum", "sum", (a, b) => a + b, {
  vjp: ({ dtype, params: { axis, reverse } }, [g]) => [g && isFloat(dtype) ? cumsum(g, axis, !reverse) : null],
  jvp: ({ dtype, params: { axis, reverse } }, [t]) => [t && isFloat(dtype) ? cumsum(t, axis, reverse) : null],
});
export const cumsum = (x: Node, axis: number, reverse: boolean): Node => apply(cumsumPrimitive, [x], { axis, reverse });

/** What the running extremes take from, and give to, the places where they were reached. */
const byPlaces: Pick<Primitive<Running>, "vjp" | "jvp"> = {
  vjp(y, [g]) {
    const { axis } = y.params;
    const last = y.shape.length - 1;
    if (!g) return [null];
    const params = { batch: last, length: y.shape[axis] };
    return [moveAxis(scatterAdd(moveAxis(g, axis, last), placesOf(y), params), last, axis)];
  },
  jvp(y, [t]) {
    const { axis } = y.params;
    const last = y.shape.length - 1;
    return [t && moveAxis(gather(moveAxis(t, axis, last), placesOf(y), last), last, axis)];
  },
};

/** Where the extreme was last reached, with the running axis last: the derivative goes there. */
function placesOf(y: Node<Running>): Node {
  const { axis, reverse } = y.params;
  const last = y.shape.length - 1;
  const x = moveAxis(y.inputs[0], axis, last);
  const isReached = or(equal(x, moveAxis(y, axis, last)), notEqual(x, x)); // NaN stays the extreme
  const place = iota("int32", isReached.shape, last);
  const none = fillLike(place, reverse ? y.shape[axis] : -1);
  const latest = reverse ? cumminPrimitive : cummaxPrimitive;
  return apply(latest, [select(isReached, place, none)], { axis: last, reverse });
}

/** The largest element so far; NaN from the first NaN on. */
export const cummaxPrimitive = prefix("cummax", "max", (a, b) => Math.max(a, b), byPlaces);
/** The smallest element so far; NaN from the first NaN on. */
export const cumminPrimitive = prefix("cummin", "min", (a, b) => Math.min(a, b), byPlaces);

/** The running extreme along an axis, and the place where it was last reached. */
export function runningExtreme(primitive: Primitive<Running>, x: Node, axis: number, reverse: boolean) {
  const values = Node.apply(primitive, [x], { axis, reverse });
  return { values, places: moveAxis(placesOf(values), x.shape.length - 1, axis) };
}
