/** What can be typed behind `typegrad`: every command with its flags. */
import { Command, Option } from "commander";
import { setThreads } from "../index.js";
import { dataNames, modelNames, recipeNames } from "./registry/index.js";
import { folderName, positiveNumber, shareBelowOne, wholeNumber } from "./usage.js";
import { version } from "./version.js";

const terminal = process.stdout;
const threadsFlag = () =>
  wholeNumber("--threads <n>", "threads that compute (default: $TYPEGRAD_THREADS, else the cores, at most 8)", 1, 64);

const dataFlag = () =>
  new Option("--data <name>", `${dataNames().join(", ")}, or a folder with the files of the model's own data`);
const dataDirFlag = () =>
  new Option(
    "--data-dir <folder>",
    "folder with the files (default: $TYPEGRAD_DATA, else what is there, else a download)",
  );

/** Adds a command to the program; `finish` is given its exit code. */
type Adds = (program: Command, finish: (code: number) => void) => void;

const addTrain: Adds = (program, finish) => {
  program
    .command("train")
    .description("train a model and write its checkpoint, metrics and report to a folder")
    .argument("<model>", recipeNames().join(", "))
    .addOption(
      wholeNumber("--epochs <n>", "how often to go through the training data (default: the model's)", 1, 100_000),
    )
    .addOption(wholeNumber("--batch <n>", "examples in a step (default: the model's)", 1, 1_000_000))
    .addOption(positiveNumber("--lr <x>", "learning rate at its highest (default: the model's)", 1000))
    .addOption(wholeNumber("--seed <n>", "seed of everything random (default: 42)", 0, 2 ** 32 - 1))
    .option("--device <name>", "where to compute; typegrad devices lists them (default: cpu)")
    .addOption(threadsFlag())
    .addOption(dataFlag())
    .addOption(dataDirFlag())
    .addOption(
      shareBelowOne("--val-split <share>", "share of the training data to hold out and watch with, not the test data"),
    )
    .addOption(wholeNumber("--patience <n>", "epochs without progress on what is held out before it stops", 1, 100_000))
    .option("--out <folder>", "folder for the folders of runs", "runs")
    .addOption(folderName("--name <name>", "name of the run's own folder (default: the model's name)"))
    .option("--resume", "go on with the run where it stopped, bit for bit")
    .addOption(wholeNumber("--save-every <n>", "steps between checkpoints inside an epoch", 1, 1e9).default(250))
    .action(async (model, flags) => finish(await (await import("./train.js")).train(model, flags, terminal)));
};

const addEval: Adds = (program, finish) => {
  program
    .command("eval")
    .description("test a trained model and print its figures")
    .argument("<run>", "folder of a run, such as runs/lenet5")
    .addOption(dataFlag())
    .addOption(dataDirFlag())
    .option("--device <name>", "where to compute", "cpu")
    .addOption(threadsFlag())
    .action(async (run, flags) => finish(await (await import("./eval.js")).evaluate(run, flags, terminal)));
};

const addReport: Adds = (program, finish) => {
  program
    .command("report")
    .description("write the reports of finished runs and a table of them to a folder")
    .argument("<runs...>", "folders of runs, such as runs/lenet5")
    .option("--out <folder>", "where to", "docs/results")
    .option("--device <name>", "where to compute", "cpu")
    .addOption(threadsFlag())
    .action(async (runs, flags) => finish(await (await import("./publish.js")).publish(runs, flags, terminal)));
};

const addPredict: Adds = (program, finish) => {
  program
    .command("predict")
    .description("say what is in a picture, or whatever else a trained model answers")
    .argument("<run>", "folder of a run, such as runs/lenet5")
    .argument("[file]", "what to look at: for pictures a PNG of any size, light on dark or dark on light")
    .option("--device <name>", "where to compute", "cpu")
    .addOption(threadsFlag())
    .addOption(wholeNumber("--seed <n>", "seed of what is drawn at random", 0, 2 ** 32 - 1).default(0))
    .option("--out <file>", "where an answer that is a file goes, without its ending", "prediction")
    .action(async (run, file, flags) =>
      finish(await (await import("./predict.js")).predict(run, file, flags, terminal)),
    );
};

const addSummary: Adds = (program, finish) => {
  program
    .command("summary")
    .description("print a model's layers, shapes and parameter counts")
    .argument("<model>", modelNames().join(", "))
    .option("--data <name>", `what it is for: ${dataNames().join(", ")} (default: the model's)`)
    .action(async (model, flags) => finish(await (await import("./summary.js")).summary(model, flags, terminal)));
};

const addModels: Adds = (program, finish) => {
  program
    .command("models")
    .description("print the models that can be trained")
    .action(async () => finish(await (await import("./summary.js")).listModels(terminal)));
};

const addData: Adds = (program, finish) => {
  program
    .command("data")
    .description("print the data sets")
    .action(async () => finish(await (await import("./summary.js")).listData(terminal)));
};

const addCourse: Adds = (program, finish) => {
  program
    .command("course")
    .description("run the deep-learning course: statements with formulas, numbers, pictures and code")
    .argument("[names...]", "chapters and rows, such as LIN or LIN-06; with none, the chapters are listed")
    .option("--full", "also the rows that take long")
    .addOption(threadsFlag())
    .option("--json <file>", "write what was measured to a file")
    .option("--html <folder>", "write pages to study from; with no chapter named, of the whole course")
    .action(async (names, flags) => finish(await (await import("./course.js")).course(names, flags, terminal)));
};

const addDevices: Adds = (program, finish) => {
  program
    .command("devices")
    .description("print the devices that compute here")
    .action(async () => finish(await (await import("./devices.js")).devices(terminal)));
};

/** The program. */
export function commands(finish: (code: number) => void): Command {
  const program = new Command("typegrad")
    .description("Deep learning in TypeScript.")
    .version(version, "-v, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .hook("preAction", (_, command) => {
      const { threads }: { threads?: number } = command.opts();
      if (threads !== undefined) setThreads(threads);
    });
  const adds = [addTrain, addEval, addReport, addPredict, addSummary, addModels, addData, addCourse, addDevices];
  for (const add of adds) add(program, finish);
  return program;
}
