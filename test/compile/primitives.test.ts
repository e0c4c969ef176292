import { test } from "node:test";
import { Node } from "#src/ir/node.js";
import { hole } from "#src/primitive/leaf.js";
import { primitives } from "#src/primitive/index.js";
import { controlPrimitives } from "#src/transform/index.js";
import { check, drawn, generator } from "./support.js";

for (const primitive of [...primitives, ...controlPrimitives])
  test(`${primitive.name}: compiled samples agree with the reference rule`, () => {
    primitive.samples.forEach((sample, k) => {
      const next = generator(k + 1);
      const inputs = sample.inputs.map((x, i) => hole(x, `x${i}`));
      const values = sample.inputs.map((x) => drawn(x, next));
      const outputs = Node.parts(Node.apply(primitive, inputs, sample.params));
      check(inputs, outputs, values, { what: `sample ${k}` });
    });
  });
