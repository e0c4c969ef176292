/** How long a program and its kernels take. */
import type { Account, Device, DeviceValue, Executable } from "../backend/backend.js";
import { kernelsOf } from "../compile/walk.js";

/** Milliseconds that are spent on each of the two questions. */
const patience = 250;

/** Milliseconds of a run, and of each kernel by itself, all its turns in a run together: the least of several runs. */
export interface Times {
  readonly run: number;
  readonly kernels: readonly number[];
}

/** Measures on copies of the inputs. */
export function timesOf(
  device: Device,
  executable: Executable,
  { compiled, apart }: Account,
  values: readonly DeviceValue[],
): Times {
  const once = (program: Pick<Executable, "run">): number => {
    const copies = values.map((x) =>
      device.upload({ device: "host", dtype: x.dtype, shape: x.shape, data: device.read(x) }),
    );
    const start = performance.now();
    const outputs = program.run(copies);
    const took = performance.now() - start;
    for (const value of [...copies, ...outputs]) value.free();
    return took;
  };
  const kernels = kernelsOf(compiled.program.steps).map(() => Infinity);
  let now: number[] = [];
  const watched = apart((kernel, took) => (now[kernel] = (now[kernel] ?? 0) + took));
  const run = Math.min(...repeat(() => once(executable)));
  repeat(() => {
    now = [];
    once(watched);
    kernels.forEach((least, i) => (kernels[i] = Math.min(least, now[i] ?? 0)));
  });
  return { run, kernels };
}

/** What `f` gives, at least three times, and as often as patience and a hundred times allow. */
function repeat<T>(f: () => T): T[] {
  const results: T[] = [];
  const end = performance.now() + patience;
  while (results.length < 3 || (results.length < 100 && performance.now() < end)) results.push(f());
  return results;
}
