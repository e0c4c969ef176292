/** The minimal trainer in TensorFlow.js on its backend `cpu`. */
import { setBackend } from "@tensorflow/tfjs";
import { train } from "./tfjs.js";

await setBackend("cpu");
await train();
