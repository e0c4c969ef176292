/** The minimal trainer in TensorFlow.js on its backend `wasm`. */
import { setBackend } from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { train } from "./tfjs.js";

setWasmPaths("./");
await setBackend("wasm");
await train();
