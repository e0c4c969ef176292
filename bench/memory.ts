/**
 * Memory over ten thousand steps of training, eager and compiled, with nothing disposed: device memory, and the process's
 * own. `npm run bench:memory [-- STEPS]`.
 */
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { compile, getDevice, setDevice, type Tensor, valueAndGrad } from "typegrad";
import { Linear, mse, Sequential, tanh } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { manualSeed, randn } from "typegrad/random";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes that are held, after garbage was collected and its finalizers ran. */
export interface Held {
  readonly step: number;
  readonly device: number;
  readonly heap: number;
  readonly process: number;
}

async function held(step: number): Promise<Held> {
  for (let i = 0; i < 6; i++) {
    if (typeof collect === "function") collect();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { heapUsed, rss } = process.memoryUsage();
  return { step, device: getDevice().memory().used, heap: heapUsed, process: rss };
}

/** Trains a network for `steps` steps that read only their loss, and looks at memory `looks` times on the way. */
export async function train(kind: "eager" | "compiled", steps: number, looks = 10): Promise<Held[]> {
  manualSeed(0);
  const model = new Sequential([new Linear(64, 256), tanh, new Linear(256, 8)]);
  const optimizer = adam({ learningRate: 1e-3 });
  optimizer.init(model);
  const step = (x: Tensor, y: Tensor): Tensor => {
    const [loss, grads] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, grads);
    return loss;
  };
  const run = kind === "compiled" ? compile(step, { state: [model, optimizer] }) : step;
  const seen: Held[] = [];
  for (let i = 1; i <= steps; i++) {
    const x = randn([32, 64]);
    await run(x, x.at(":", ":8")).item();
    if (i % Math.floor(steps / looks) === 0) seen.push(await held(i));
  }
  return seen;
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setDevice("wasm");
  const steps = Number(process.argv[2] ?? 10_000);
  for (const kind of ["eager", "compiled"] as const) {
    console.log(`\n${kind}: MiB held after each tenth of ${steps} steps`);
    for (const h of await train(kind, steps))
      console.log(
        `step ${h.step}: device ${megabytes(h.device)}, heap ${megabytes(h.heap)}, process ${megabytes(h.process)}`,
      );
  }
}
