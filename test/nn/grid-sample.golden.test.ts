import { type SampleOptions, affineGrid, gridSample } from "typegrad/nn";
import { compareCases } from "../golden/cases.js";
import { type Case, fixture } from "../golden/fixtures.js";

type Options = SampleOptions & { readonly size?: readonly [number, number, number, number] };

compareCases<Options>(fixture<{ cases: Case<Options>[] }>("grid").cases, {
  affineGrid: ({ theta }, { size = [1, 1, 1, 1], ...o }) => affineGrid(theta, size, o),
  gridSample: ({ x, grid }, o) => gridSample(x, grid, o),
});
