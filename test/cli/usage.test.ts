import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder, typegrad } from "./support.js";

const train = ["train", "lenet5"];

test("every wrong flag has its message and ends with 2", async () => {
  const empty = await temporaryFolder();
  const cases: [string[], RegExp][] = [
    [[...train, "--epochs", "0"], /--epochs must be a whole number from 1 to 100000, got "0"/],
    [[...train, "--epochs", "2.5"], /--epochs must be a whole number from 1 to 100000, got "2\.5"/],
    [[...train, "--epochs", "many"], /--epochs must be a whole number .*got "many"/],
    [[...train, "--batch", "-8"], /--batch must be a whole number from 1 to 1000000, got "-8"/],
    [[...train, "--lr", "0"], /--lr must be a number above 0 and at most 1000, got "0"/],
    [[...train, "--lr", "NaN"], /--lr must be a number above 0 and at most 1000, got "NaN"/],
    [[...train, "--lr", ""], /--lr must be a number above 0 and at most 1000, got ""/],
    [[...train, "--seed", "4294967296"], /--seed must be a whole number from 0 to 4294967295, got "4294967296"/],
    [[...train, "--threads", "0"], /--threads must be a whole number from 1 to 64, got "0"/],
    [[...train, "--device", "wsam"], /--device must be .*"wasm".*, got "wsam"\. did you mean "wasm"\?/],
    [
      [...train, "--data", join(empty, "nothing")],
      /--data must be a folder with train-images-idx3-ubyte.*, got ".*nothing"/,
    ],
    [[...train, "--data", empty], /--data must be a folder with train-images-idx3-ubyte/],
    [[...train, "--name", "../elsewhere"], /--name must be up to 100 letters, digits .*got "\.\.\/elsewhere"/],
    [[...train, "--name", ""], /--name must be up to 100 letters/],
    [[...train, "--save-every", "0"], /--save-every must be a whole number from 1 to 1000000000, got "0"/],
    [[...train, "--epochs"], /option '--epochs <n>' argument missing/],
    [[...train, "--epoch", "3"], /unknown option '--epoch'\s+\(Did you mean --epochs\?\)/],
    [[...train, "more"], /too many arguments for 'train'/],
    [["train"], /missing required argument 'model'/],
    [["train", "lenet"], /the model must be .*"lenet5".*, got "lenet"\. did you mean "lenet5"\?/],
    [["train", "x"], /the model must be .*"lenet5".*, got "x"\.$/m],
    [["summary", "lenet6"], /did you mean "lenet5"\?/],
    [["predict"], /missing required argument 'run'/],
    [["eval"], /missing required argument 'run'/],
    [["eval", "runs/x"], /there must be a run in "runs\/x"/],
    [[...train, "--val-split", "1"], /--val-split must be a number above 0 and below 1, got "1"/],
    [[...train, "--patience", "3"], /--patience needs --val-split/],
    [[...train, "--data", "fashion-mnits"], /--data must be mnist, .* or a folder, got "fashion-mnits"\. did you mean/],
    [[...train, "--data", empty, "--data-dir", empty], /--data must be a name beside --data-dir/],
    [["train", "tcn", "--data-dir", empty], /--data-dir must be left out for data that need no files, got/],
    [["train", "wavenet", "--data-dir", empty], /--data-dir must be a folder with Front_Center\.wav/],
    [["train", "tcn", "--data", "mnist"], /TCN is for regression, got MNIST, which is for classification/],
    [["tran"], /unknown command 'tran'\s+\(Did you mean train\?\)/],
    [[], /Usage: typegrad/],
  ];
  for (const [args, message] of cases) {
    const out = args[0] === "train" ? ["--out", join(empty, "runs")] : [];
    const { code, stdout, stderr } = await typegrad([...args.slice(0, 1), ...out, ...args.slice(1)]);
    assert.match(stderr, message, args.join(" "));
    assert.doesNotMatch(stderr, /\n {4}at /, "no stack trace");
    assert.equal(stdout, "", args.join(" "));
    assert.equal(code, 2, args.join(" "));
  }
});

test("help tells of every command and flag, and version is the package's", async () => {
  const help = async (...args: string[]): Promise<string> => {
    const { code, stdout } = await typegrad([...args, "--help"]);
    assert.equal(code, 0);
    return stdout;
  };
  for (const name of ["train", "predict", "summary", "course", "devices"])
    assert.ok((await help()).includes(`  ${name} `), name);
  const flags = ["epochs", "batch", "lr", "seed", "device", "threads", "data", "out", "name", "resume", "save-every"];
  const text = await help("train");
  for (const flag of flags) assert.ok(text.includes(`  --${flag} `), flag);
  for (const name of ["predict", "summary", "devices"])
    assert.ok((await help(name)).includes(`Usage: typegrad ${name}`));
  const { stdout } = await typegrad(["--version"]);
  assert.match(stdout, /^\d+\.\d+\.\d+\S*\n$/);
});

test("summary and devices print what there is", async () => {
  const { stdout } = await typegrad(["summary", "lenet5"]);
  assert.match(stdout, /layers\.3 +Conv2d +\[1, 16, 10, 10\] +2,416/);
  assert.match(stdout, /61,706 parameters/);
  const devices = (await typegrad(["devices"])).stdout;
  assert.match(devices, /^wasm +ready$/m);
  assert.match(devices, /^reference +ready$/m);
});
