/** Stack traces as the caller should see them. */

/** Where this library's own files lie. */
const own = new URL("..", import.meta.url).href;

const isNative = (frame: string): boolean => /<anonymous>|\[native code\]/.test(frame);

/** A trace that reaches further back than usual: calls inside the library are nested deeply. */
export function deepStack(): string {
  const limit: unknown = Reflect.get(Error, "stackTraceLimit");
  Reflect.set(Error, "stackTraceLimit", 100);
  const { stack = "" } = new Error("here");
  Reflect.set(Error, "stackTraceLimit", limit);
  return stack;
}

/** The frames of a trace from the first that is neither the library's nor the engine's; all where there is none. */
export function callerFrames(stack: string): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at |@/.test(line));
  const first = frames.findIndex((frame) => !frame.includes(own) && !isNative(frame));
  return first < 0 ? frames : frames.slice(first);
}

/** `file.ts:12:5` of a frame. */
export const placeOf = (frame: string | undefined): string | undefined => frame?.match(/([^\s()@]+:\d+:\d+)\)?$/)?.[1];
