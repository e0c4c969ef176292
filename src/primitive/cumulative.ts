/** Running extremes. */
import { numbers } from "../ir/dtype.js";
import { Node, type Primitive } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { ShapeError } from "../util/errors.js";
import { equal, notEqual, or, select } from "./arithmetic.js";
import { apply, checkDType } from "./define.js";
import { gather, scatterAdd } from "./indexing.js";
import { fillLike, iota } from "./leaf.js";
import { moveAxis } from "./movement.js";
import { avals, build, element, refusal, sample } from "./ndarray.js";

interface Running {
  readonly axis: number;
  /** From the end of the axis. */
  readonly reverse: boolean;
}

type Extreme = "max" | "min";

/** `y[i]` = the extreme of x from the start of the axis to i (from i to its end when `reverse`); NaN from the first NaN on. */
function running(name: string, combine: Extreme): Primitive<Running> {
  const better = combine === "max" ? Math.max : Math.min;
  const primitive: Primitive<Running> = {
    name,
    infer([x], { axis }) {
      checkDType(name, x, numbers);
      if (!(axis >= 0 && axis < x.shape.length))
        throw new ShapeError(`${name}: the axis must lie in ${show(x)}, got ${axis}. name an axis it has`);
      return [x];
    },
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
    batch: ([x], _batched, _size, { axis, reverse }) => [apply(primitive, [x], { axis: axis + 1, reverse })],
    lower: ([x], { axis, reverse }) => ({ form: "prefix", combine, axis, reverse, value: (at) => x.at(at) }),
    reference: ([x], { axis, reverse }) => [
      build(x.shape, (i) => {
        let y = element(x, i);
        for (let k = 0; k < x.shape[axis]; k++)
          if (reverse ? k > i[axis] : k < i[axis]) y = better(y, element(x, i.with(axis, k)));
        return y;
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

export const cummaxPrimitive = running("cummax", "max");
export const cumminPrimitive = running("cummin", "min");

/** The running extreme along an axis, and the place where it was last reached. */
export function runningExtreme(primitive: Primitive<Running>, x: Node, axis: number, reverse: boolean) {
  const values = Node.apply(primitive, [x], { axis, reverse });
  return { values, places: moveAxis(placesOf(values), x.shape.length - 1, axis) };
}
