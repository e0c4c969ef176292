/**
 * Learns a soft disc in the page, and leaves on the body the loss of the best constant and of the network; then multiplies
 * matrices that are worth threads, and leaves how many there are, what they were asked to do, and the results. The losses
 * stand on the page as a chart, whose size as a picture is left, too.
 */
import { compile, getThreads, setThreads, tensor, valueAndGrad, type Tensor } from "typegrad";
import { Linear, mse, relu, Sequential } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { lines, toElement, toPng } from "typegrad/plot";
import { manualSeed } from "typegrad/random";

manualSeed(0);
const model = new Sequential([new Linear(2, 32), relu, new Linear(32, 1)]);
const optimizer = adam({ learningRate: 0.03 });
const step = compile(
  (x: Tensor, y: Tensor) => {
    const [loss, grads] = valueAndGrad((m: typeof model) => mse(m.forward(x), y))(model);
    optimizer.update(model, grads);
    return loss;
  },
  { state: [model, optimizer] },
);

const points = Array.from({ length: 256 }, (_, i) => [((i % 16) - 7.5) / 4, (Math.floor(i / 16) - 7.5) / 4]);
const x = tensor(points);
const y = tensor(points.map(([a, b]) => [Math.tanh(2 - a * a - b * b)]));
const losses: number[] = [];
for (let i = 0; i < 200; i++) losses.push(await step(x, y).item());
document.body.dataset["losses"] = JSON.stringify([await y.variance().item(), losses[losses.length - 1]]);

const chart = lines([{ x: losses.map((_, i) => i), y: losses }], { title: "Loss", width: 320, height: 200 });
document.body.append(toElement(chart));
const picture = await createImageBitmap(new Blob([await toPng(chart)], { type: "image/png" }));
document.body.dataset["picture"] = `${picture.width}×${picture.height}`;

/** Words that the page shares with its workers, as the first worker was told; the third counts runs on all threads. */
let shared: Int32Array | null = null;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (this: Worker, message: { words?: Int32Array }): void {
  shared ??= message.words ?? null;
  post.call(this, message, {});
};
const n = 256;
const product = compile((a: Tensor, b: Tensor) => a.matmul(b).mul(4).tanh());
const rotation = tensor(Array.from({ length: n * n }, (_, i) => Math.cos(i * i) / 8)).reshape([n, n]);
const results: number[] = [];
for (const threads of [1, 2]) {
  setThreads(threads);
  let matrix: Tensor = rotation;
  for (let i = 0; i < 60; i++) {
    matrix = product(matrix, rotation);
    await matrix.sum().item();
    await new Promise((resolve) => setTimeout(resolve, 5)); // workers start meanwhile
  }
  results.push(await matrix.abs().sum().item());
}
document.body.dataset["threads"] = JSON.stringify({ threads: getThreads(), runs: shared?.[2] ?? 0, results });
