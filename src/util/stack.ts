/** Stack traces as the caller should see them. */

/** Where this library's own files lie. */
const own = new URL("..", import.meta.url).href;

/** The frames of a trace that come after the library's own, outermost last; all of them where none is foreign. */
export function callerFrames(stack: string): string[] {
  const frames = stack.split("\n").filter((line) => /^\s+at |@/.test(line));
  const first = frames.findIndex((frame) => !frame.includes(own));
  return first < 0 ? frames : frames.slice(first);
}

/** `file.ts:12:5` of a frame. */
export const placeOf = (frame: string | undefined): string | undefined => frame?.match(/([^\s()@]+:\d+:\d+)\)?$/)?.[1];
