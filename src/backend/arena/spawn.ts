/** Threads: workers of Node or of a browser. */
import type * as WorkerThreads from "node:worker_threads";
import { nodeProcess } from "./environment.js";

export interface Worker {
  post(message: unknown): void;
  /** Whether it has ended, as far as can be told without returning to the event loop. */
  hasEnded(): boolean;
  /** Stops it, whatever it does; `onEnd` is called when it has stopped. */
  end(): void;
}

/** Starts a worker that runs a text. Its first message is `hello`. `onEnd` is told why it ended. It keeps no process alive. */
export function spawn(source: string, hello: object, onEnd: (reason: string) => void): Worker {
  const node = nodeProcess();
  return node === null
    ? spawnInBrowser(source, hello, onEnd)
    : spawnInNode(node.getBuiltinModule("node:worker_threads"), source, hello, onEnd);
}

function spawnInNode(
  { Worker, MessageChannel }: typeof WorkerThreads,
  source: string,
  hello: object,
  onEnd: (reason: string) => void,
): Worker {
  const worker = new Worker(source, { eval: true, execArgv: [], name: "typegrad" });
  // Posting to a port whose other side has gone says false at once; the worker's own end is told by an event, later.
  const { port1: lifeline, port2 } = new MessageChannel();
  lifeline.unref();
  let reason = "it was stopped";
  let ended = false;
  worker.on("error", (error) => (reason = String(error)));
  worker.on("exit", () => {
    ended = true;
    lifeline.close();
    onEnd(reason);
  });
  worker.unref();
  worker.postMessage({ ...hello, lifeline: port2 }, [port2]);
  return {
    post: (message) => worker.postMessage(message, []),
    hasEnded: () => ended || delivers(lifeline) === false,
    end: () => void worker.terminate(),
  };
}

/** What posting tells; the type declarations know nothing of it. */
const delivers = (port: { postMessage(message: unknown): unknown }): unknown => port.postMessage(null);

function spawnInBrowser(source: string, hello: object, onEnd: (reason: string) => void): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "typegrad" });
  let ended = false;
  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    worker.terminate();
    URL.revokeObjectURL(url);
    onEnd(reason);
  };
  worker.addEventListener("error", (event) => end(event.message));
  worker.postMessage(hello, []);
  return {
    post: (message) => worker.postMessage(message, []),
    hasEnded: () => ended,
    end: () => end("it was stopped"),
  };
}
