import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WasmDevice } from "#src/backend/wasm/device.js";
import type { TypedArray } from "#src/ir/dtype.js";
import type { Kernel, Local, Program, Statement, Value } from "#src/compile/loop.js";
import {
  add,
  constant,
  get,
  int,
  kernel,
  load,
  local,
  loop,
  mul,
  op,
  program,
  runOn,
  set,
  splat,
  store,
} from "./build.js";
import { evaluate } from "./oracle.js";

const device = new WasmDevice();
const floats = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i + 1)));

function check(p: Program, inputs: readonly TypedArray[]): readonly TypedArray[] {
  const actual = runOn(device, p, inputs);
  assert.deepEqual(actual, evaluate(p, inputs));
  return actual;
}

/** A loop over a kernel's tasks. */
const tasks = (first: Local, last: Local, body: (i: Value) => readonly Statement[]): Statement => {
  const i = local("task");
  return loop(i, get(first), get(last), 1, body(get(i)));
};

/** `target[0] = f(target[0])` as one task. */
const update = (target: number, f: (x: Value) => Value) =>
  kernel("update", 1, () => [store(target, int(0), f(load("int32", target, int(0))))]);
const scalar = { dtype: "int32", shape: [] } as const;
const counter = (loopNumber: number): Value => ({ kind: "counter", type: "int32", lanes: 1, loop: loopNumber });

/** Marsaglia's xorshift, so that a failing seed can be repeated. */
function generator(seed: number): (n: number) => number {
  let x = (seed + 1) * 2654435761;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

describe("addresses", () => {
  test("a transpose: both indices, one of them strided", () => {
    const [rows, columns] = [7, 5];
    const j = local("j");
    const p = program(
      [{ dtype: "float32", shape: [rows, columns] }],
      [{ dtype: "float32", shape: [columns, rows] }],
      [
        kernel("transpose", rows, (first, last) => [
          tasks(first, last, (i) => [
            loop(j, int(0), int(columns), 1, [
              store(1, add(mul(get(j), int(rows)), i), load("float32", 0, add(mul(i, int(columns)), get(j)))),
            ]),
          ]),
        ]),
      ],
    );
    const [out] = check(p, [floats(35)]);
    assert.equal(out[1], floats(35)[5]);
  });

  test("a flip: a falling index and a large constant", () => {
    const n = 400_000;
    const p = program(
      [{ dtype: "float32", shape: [n] }],
      [{ dtype: "float32", shape: [n] }],
      [
        kernel("flip", n, (first, last) => [
          tasks(first, last, (i) => [store(1, i, load("float32", 0, op("sub", "int32", int(n - 1), i)))]),
        ]),
      ],
    );
    const [out] = runOn(device, p, [floats(n)]);
    assert.deepEqual(out, floats(n).reverse());
  });

  test("a padded window: negative constants under conditions", () => {
    const [height, width] = [6, 9];
    const [y, x, sum] = [local("y"), local("x"), local("sum", "float32")];
    const tap = (dy: number, dx: number): Statement => {
      const [sy, sx] = [add(get(y), int(dy)), add(get(x), int(dx))];
      const inside = [
        op("le", "bool", int(0), sy),
        op("lt", "bool", sy, int(height)),
        op("le", "bool", int(0), sx),
        op("lt", "bool", sx, int(width)),
      ].reduce((a, b) => op("and", "bool", a, b));
      const value = load("float32", 0, add(mul(sy, int(width)), sx));
      return { kind: "if", condition: inside, then: [set(sum, add(get(sum), value))], otherwise: [] };
    };
    const p = program(
      [{ dtype: "float32", shape: [height, width] }],
      [{ dtype: "float32", shape: [height, width] }],
      [
        kernel("box", height, (first, last) => [
          loop(y, get(first), get(last), 1, [
            loop(x, int(0), int(width), 1, [
              set(sum, constant("float32", 0)),
              ...[-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => tap(dy, dx))),
              store(1, add(mul(get(y), int(width)), get(x)), get(sum)),
            ]),
          ]),
        ]),
      ],
    );
    check(p, [floats(54)]);
  });

  test("a gather: an index that was loaded, and one computed by division", () => {
    const [n, width] = [12, 6];
    const [j, row] = [local("j"), local("row")];
    const p = program(
      [
        { dtype: "float32", shape: [10, width] },
        { dtype: "int32", shape: [n] },
      ],
      [{ dtype: "float32", shape: [n, width] }],
      [
        kernel("gather", n, (first, last) => [
          tasks(first, last, (i) => [
            set(row, load("int32", 1, i)),
            loop(j, int(0), int(width), 1, [
              store(
                2,
                add(mul(i, int(width)), get(j)),
                add(
                  load("float32", 0, add(mul(get(row), int(width)), get(j))),
                  load("float32", 0, add(mul(load("int32", 1, op("div", "int32", i, int(2))), int(width)), get(j))),
                ),
              ),
            ]),
          ]),
        ]),
      ],
    );
    check(p, [floats(60), Int32Array.from({ length: n }, (_, i) => (i * 7) % 10)]);
  });

  test("a local that changes inside a loop is read anew", () => {
    const at = local("at");
    const n = 16;
    const p = program(
      [{ dtype: "float32", shape: [200] }],
      [{ dtype: "float32", shape: [n] }],
      [
        kernel("triangular", n, (first, last) => [
          set(at, int(0)),
          tasks(first, last, (i) => [
            store(1, i, add(load("float32", 0, get(at)), load("float32", 0, add(get(at), i)))),
            set(at, add(get(at), i)),
          ]),
        ]),
      ],
    );
    check(p, [floats(200)]);
  });

  test("loops with bounds known only when they run, steps over one, and no iterations", () => {
    const [i, j, total] = [local("i"), local("j"), local("total", "int32")];
    const p = program(
      [{ dtype: "int32", shape: [8] }],
      [{ dtype: "int32", shape: [8] }],
      [
        kernel("bounds", 8, (first, last) => [
          loop(i, get(first), get(last), 1, [
            set(total, int(0)),
            loop(j, load("int32", 0, get(i)), add(get(i), int(9)), 3, [set(total, add(get(total), get(j)))]),
            loop(j, int(5), int(5), 1, [set(total, int(-1))]),
            loop(j, int(4), int(5), 2, [set(total, add(get(total), mul(get(j), int(1000))))]),
            store(1, get(i), get(total)),
          ]),
        ]),
      ],
    );
    check(p, [Int32Array.of(0, 3, 20, -4, 12, 14, 15, 16)]);
  });
});

test("a local computed from the value that another had in the iteration before", () => {
  const [i, a, b] = [local("i"), local("a"), local("b")];
  const n = 8;
  const p = program(
    [{ dtype: "int32", shape: [64] }],
    [{ dtype: "int32", shape: [n] }],
    [
      kernel("late", 1, () => [
        loop(i, int(0), int(n), 1, [
          set(b, add(get(a), int(1))),
          set(a, mul(get(i), int(3))),
          store(1, get(i), load("int32", 0, get(b))),
        ]),
      ]),
    ],
  );
  const [out] = runOn(device, p, [Int32Array.from({ length: 64 }, (_, k) => k)]);
  assert.deepEqual([...out], [1, 1, 4, 7, 10, 13, 16, 19]);
});

test("vectors made from a scalar or a constant before a loop, used in it, behind it and in branches", () => {
  const [i, k, x] = [local("i"), local("k"), local("x", "float32")];
  const vector = (name: string) => local(name, "float32", 4);
  const [wide, half, sum] = [vector("wide"), vector("half"), vector("sum")];
  const n = 6;
  const p = program(
    [{ dtype: "float32", shape: [32] }],
    [{ dtype: "float32", shape: [n, 12] }],
    [
      kernel("broadcast", n, (first, last) => [
        set(half, constant("float32", 0.5, 4)),
        loop(i, get(first), get(last), 1, [
          set(x, load("float32", 0, get(i))),
          set(wide, splat(get(x), 4)),
          set(sum, get(wide)),
          loop(k, int(0), int(20), 4, [
            set(sum, add(get(sum), mul(mul(load("float32", 0, get(k), 4), get(wide)), get(half)))),
          ]),
          store(1, mul(get(i), int(12)), add(get(sum), get(wide))),
          {
            kind: "if",
            condition: op("lt", "bool", get(i), int(3)),
            then: [store(1, add(mul(get(i), int(12)), int(4)), mul(get(wide), get(half)))],
            otherwise: [store(1, add(mul(get(i), int(12)), int(4)), add(get(half), get(half)))],
          },
          store(1, add(mul(get(i), int(12)), int(8)), mul(get(wide), constant("float32", 0.5, 4))),
        ]),
      ]),
    ],
  );
  check(p, [floats(32)]);
});

describe("vectors", () => {
  for (const lanes of [2, 4] as const)
    test(`pack, lane and splat, ${lanes} lanes`, () => {
      const n = 16;
      const [i, v] = [local("i"), local("v", "float32", lanes)];
      const values = Array.from({ length: lanes }, (_, l) => load("float32", 0, add(mul(get(i), int(2)), int(3 * l))));
      const p = program(
        [{ dtype: "float32", shape: [64] }],
        [
          { dtype: "float32", shape: [n] },
          { dtype: "bool", shape: [n] },
        ],
        [
          kernel("vectors", 1, () => [
            loop(i, int(0), int(n), lanes, [
              set(v, { kind: "pack", type: "float32", lanes, values }),
              set(v, add(get(v), splat(load("float32", 0, get(i)), lanes))),
              set(v, add(get(v), splat({ kind: "lane", type: "float32", lanes: 1, value: get(v), lane: 1 }, lanes))),
              store(1, get(i), get(v)),
              store(2, get(i), {
                kind: "pack",
                type: "bool",
                lanes,
                values: values.map((x) => op("lt", "bool", x, constant("float32", 0))),
              }),
              store(2, get(i), {
                kind: "splat",
                type: "bool",
                lanes,
                value: {
                  kind: "lane",
                  type: "bool",
                  lanes: 1,
                  lane: 1,
                  value: load("bool", 2, get(i), lanes),
                },
              }),
            ]),
          ]),
        ],
      );
      check(p, [floats(64)]);
    });

  test("pack of loaded float64 values and of constants", () => {
    const i = local("i");
    const p = program(
      [{ dtype: "float64", shape: [16] }],
      [{ dtype: "float64", shape: [8] }],
      [
        kernel("pack", 1, () => [
          loop(i, int(0), int(8), 2, [
            store(
              1,
              get(i),
              add(
                {
                  kind: "pack",
                  type: "float64",
                  lanes: 2,
                  values: [load("float64", 0, get(i)), load("float64", 0, add(get(i), int(5)))],
                },
                {
                  kind: "pack",
                  type: "float64",
                  lanes: 2,
                  values: [constant("float64", 1), get(local("never set", "float64"))],
                },
              ),
            ),
          ]),
        ]),
      ],
    );
    const xs = Float64Array.from({ length: 16 }, (_, k) => k / 3);
    assert.deepEqual(
      [...runOn(device, p, [xs])[0]],
      [0, 2, 4, 6].flatMap((k) => [k / 3 + 1, (k + 5) / 3]),
    );
  });
});

describe("programs", () => {
  test("loops forwards and backwards, one in the other, with their counters", () => {
    const p = program(
      [],
      [scalar],
      [
        {
          kind: "loop",
          loop: 0,
          length: 4,
          reverse: false,
          steps: [
            {
              kind: "loop",
              loop: 1,
              length: 3,
              reverse: true,
              steps: [update(0, (x) => add(mul(x, int(3)), add(mul(counter(0), int(10)), counter(1))))],
            },
          ],
        },
        { kind: "loop", loop: 2, length: 0, reverse: false, steps: [update(0, () => int(-1))] },
      ],
      { loops: 3 },
    );
    check(p, []);
  });

  test("a branch takes the chosen case, clamped", () => {
    const p = program(
      [scalar],
      [scalar],
      [
        {
          kind: "branch",
          selector: 0,
          cases: [
            [update(1, () => int(10))],
            [update(1, () => int(11))],
            [update(1, () => int(12)), update(1, (x) => mul(x, x))],
          ],
        },
        update(1, (x) => add(x, int(1))),
      ],
    );
    for (const [selector, expected] of [
      [0, 11],
      [1, 12],
      [2, 145],
      [-5, 11],
      [99, 145],
    ])
      assert.deepEqual([...check(p, [Int32Array.of(selector)])[0]], [expected]);
  });

  test("host routines cut a program, inside loops and branches too", () => {
    const seen: number[] = [];
    const routine = {
      kind: "routine",
      name: "halve",
      inputs: [1],
      outputs: [1],
      run: ([x]: readonly { readonly shape: readonly number[]; readonly data: Float64Array }[]) => {
        seen.push(x.data[0]);
        return [{ shape: x.shape, data: x.data.map((v) => Math.trunc(v / 2)) }];
      },
    } as const;
    const p = program(
      [scalar],
      [scalar],
      [
        update(1, () => int(1000)),
        { kind: "loop", loop: 0, length: 3, reverse: true, steps: [routine, update(1, (x) => add(x, counter(0)))] },
        {
          kind: "branch",
          selector: 0,
          cases: [[update(1, () => int(-1))], [routine, update(1, (x) => add(x, int(5)))]],
        },
        update(1, (x) => mul(x, int(7))),
      ],
      { loops: 1 },
    );
    const [out] = runOn(device, p, [Int32Array.of(1)]);
    assert.deepEqual(seen, [1000, 502, 252, 126]);
    assert.deepEqual([...out], [(63 + 5) * 7]);
    seen.length = 0;
    check(p, [Int32Array.of(0)]);
  });

  test("temporaries lie in the workspace, scratch in the thread's own memory", () => {
    const i = local("i");
    const n = 32;
    const p = program(
      [{ dtype: "float32", shape: [n] }],
      [{ dtype: "float32", shape: [n] }],
      [
        kernel("a", 1, () => [
          loop(i, int(0), int(n), 4, [store(2, get(i), add(load("float32", 0, get(i), 4), constant("float32", 1, 4)))]),
        ]),
        kernel("b", 1, () => [
          loop(i, int(0), int(n), 4, [store(3, get(i), mul(load("float32", 2, get(i), 4), constant("float32", 2, 4)))]),
          loop(i, int(0), int(n), 4, [store(4, get(i), load("float32", 3, get(i), 4))]),
          loop(i, int(0), int(n), 1, [
            store(1, get(i), op("sub", "float32", load("float32", 4, get(i)), load("float32", 2, get(i)))),
          ]),
        ]),
      ],
      {
        others: [
          { dtype: "float32", shape: [n], placement: { kind: "temporary", offset: 64 } },
          { dtype: "float32", shape: [n], placement: { kind: "scratch", offset: 0 } },
          { dtype: "float32", shape: [n], placement: { kind: "temporary", offset: 192 } },
        ],
        workspaceBytes: 320,
        scratchBytes: 128,
      },
    );
    const [out] = check(p, [floats(n)]);
    assert.deepEqual(
      out,
      floats(n).map((x) => 2 * Math.fround(x + 1) - Math.fround(x + 1)),
    );
  });

  test("a failing routine leaves the device as it was", () => {
    const before = device.memory().used;
    const p = program(
      [],
      [scalar],
      [
        {
          kind: "routine",
          name: "fail",
          inputs: [],
          outputs: [0],
          run: () => {
            throw new RangeError("not positive definite");
          },
        },
      ],
    );
    assert.throws(() => runOn(device, p, []), /not positive definite/);
    assert.ok(device.memory().used <= before);
  });
});

describe("random kernels agree with the oracle", () => {
  /** Nested loops, conditions and changing locals around accesses at random sums of them, kept in range by a remainder. */
  function randomKernel(seed: number, size: number): Kernel {
    const pick = generator(seed);
    const integers = [local("a"), local("b")];
    const total = local("total", "int32");
    const index = (scope: readonly Local[], depth: number): Value => {
      const choice = pick(depth > 2 ? 2 : 7);
      if (choice === 0 || scope.length === 0) return int(pick(40) - 20);
      if (choice === 1) return get(scope[pick(scope.length)]);
      const inner = () => index(scope, depth + 1);
      if (choice === 2) return mul(inner(), int(pick(9) - 4));
      if (choice === 3) return op("sub", "int32", inner(), inner());
      if (choice === 4) return op("div", "int32", inner(), int(pick(5) - 2));
      return add(inner(), inner());
    };
    /** In range whatever `v` is. */
    const clipped = (v: Value): Value =>
      add(op("rem", "int32", op("and", "int32", v, int(0x7fffffff)), int(size - 40)), int(pick(40)));
    /** A sum of multiples of loop indices (each below 8), in various shapes. */
    const affine = (indices: readonly Local[]): Value =>
      indices.reduce(
        (sum, i) => {
          const term = add(mul(get(i), int(pick(9) - 4)), int(pick(7) - 3));
          return [sum, add(sum, term), op("sub", "int32", sum, mul(int(pick(5) - 2), term)), add(term, sum)][pick(4)];
        },
        int(size / 2),
      );
    const named: Local[] = [];
    const position = (scope: readonly Local[]): Value =>
      pick(3) === 0
        ? clipped(index(scope, 0))
        : pick(2) === 0 && named.length > 0
          ? add(get(named[pick(named.length)]), int(pick(9)))
          : add(
              affine(scope.filter((l) => !integers.includes(l))),
              pick(3) === 0 ? op("and", "int32", index(scope, 0), int(15)) : int(pick(9)),
            );
    /** A local set once to a position, and perhaps another computed from it. */
    const definitions = (scope: readonly Local[]): Statement[] => {
      const [a, b] = [local("definition"), local("derived")];
      const derived = set(b, add(get(a), int(pick(5))));
      const list = [set(a, affine(scope.filter((l) => !integers.includes(l))))];
      if (pick(2) === 0) list.push(derived);
      named.push(a, ...(list.length > 1 ? [b] : []));
      return list;
    };
    const statements = (scope: readonly Local[], depth: number): Statement[] => {
      const outer = named.length;
      const list = definitions(scope);
      for (let i = 1 + pick(4); i > 0; i--) list.push(statement(scope, depth));
      named.length = outer;
      return list;
    };
    const statement = (scope: readonly Local[], depth: number): Statement => {
      const choice = pick(depth > 3 ? 3 : 6);
      if (choice === 0) return store(1, position(scope), get(total));
      if (choice === 1) return set(total, add(get(total), mul(load("int32", pick(2), position(scope)), int(3))));
      if (choice === 2) return set(integers[pick(2)], index(scope, 0));
      if (choice === 3) {
        const condition = op("lt", "bool", index(scope, 0), index(scope, 0));
        return { kind: "if", condition, then: statements(scope, depth + 1), otherwise: statements(scope, depth + 1) };
      }
      const i = local(`i${depth}`);
      const to = pick(3) === 0 ? op("and", "int32", index(scope, 0), int(7)) : int(pick(6));
      return loop(i, int(pick(3)), to, 1 + pick(3), statements([...scope, i], depth + 1));
    };
    return kernel("random", 3, (first, last) => [
      set(total, int(1)),
      ...integers.map((l) => set(l, int(pick(5)))),
      tasks(first, last, (i) => statements([...integers, ...(i.kind === "get" ? [i.local] : [])], 0)),
      store(1, int(0), get(total)),
    ]).kernel;
  }

  for (let block = 0; block < 10; block++)
    test(`seeds ${block * 40} to ${block * 40 + 39}`, () => {
      for (let seed = block * 40; seed < block * 40 + 40; seed++) {
        const size = 1024;
        const aval = { dtype: "int32", shape: [size] } as const;
        const p = program(
          [aval],
          [aval],
          [
            kernel("clear", 1, () => {
              const i = local("i");
              return [loop(i, int(0), int(size), 4, [store(1, get(i), constant("int32", 5, 4))])];
            }),
            { kind: "kernel", kernel: randomKernel(seed, size) },
          ],
        );
        const input = Int32Array.from({ length: size }, (_, i) => (i * 37) % 101);
        const [actual] = runOn(device, p, [input]);
        assert.deepEqual(actual, evaluate(p, [input])[0], `seed ${seed}`);
      }
    });
});
