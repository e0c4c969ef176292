/**
 * The errors of the framework. Every message reads
 * `op: what must hold, got float32[2,3] and float32[4,5]. what to do`.
 */

import { callerFrames, deepStack } from "./stack.js";

/** Base of every error the framework raises on purpose. Its trace begins at the caller's line. */
export class TypegradError extends Error {
  override name = "TypegradError";
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    if (this.stack !== undefined)
      this.stack = [`${new.target.name}: ${message}`, ...callerFrames(deepStack())].join("\n");
  }

  /** Puts the name of another operation, that which was called, in front of the message. */
  rename(op: string): void {
    const before = this.message;
    this.message = before.replace(/^[\w.]+(?=: )/, op);
    if (this.stack !== undefined) this.stack = this.stack.replace(before, () => this.message);
  }
}

/** Shapes, axes or ranks do not fit: `zeros([2, 3]).matmul(zeros([4, 5]))`; transpose or reshape an operand. */
export class ShapeError extends TypegradError {
  override name = "ShapeError";
}

/** A dtype is not allowed here: `sqrt` of an `int32` tensor; convert with `x.astype("float32")`. */
export class DTypeError extends TypegradError {
  override name = "DTypeError";
}

/** An argument that is neither a shape nor a dtype is out of range: `dropout(x, 1.5)`. */
export class ArgumentError extends TypegradError {
  override name = "ArgumentError";
}

/** What went wrong, in words: JavaScript may throw anything. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** An argument as a message shows it: a text in quotes, so that `"2"` is told from 2. */
export const shown = (argument: unknown): string =>
  typeof argument === "string" ? JSON.stringify(argument) : String(argument);

/** A function made of several operations: what they say is wrong with its arguments is said in its own name. */
export const operation =
  <A extends readonly unknown[], R>(op: string, f: (...args: A) => R) =>
  (...args: A): R => {
    try {
      return f(...args);
    } catch (error) {
      if (error instanceof ShapeError || error instanceof DTypeError || error instanceof ArgumentError)
        error.rename(op);
      throw error;
    }
  };

/** A device is unknown, unavailable, or tensors of two devices meet; move one with `x.to(device)`. */
export class DeviceError extends TypegradError {
  override name = "DeviceError";
}

/** A value was read, or leaked, where only its shape is known: inside `compile` or `vmap`. */
export class TraceError extends TypegradError {
  override name = "TraceError";
}

/** The tensor's memory was handed to a compiled step that updated it in place; keep a value with `x.clone()`. */
export class DonatedError extends TypegradError {
  override name = "DonatedError";
}

/** The arena is full; free intermediate tensors with `scope(() => …)`, or yield to the event loop in long loops. */
export class OutOfMemoryError extends TypegradError {
  override name = "OutOfMemoryError";
}

/** A file or byte stream is damaged, truncated, or not of the format it claims to be. */
export class FormatError extends TypegradError {
  override name = "FormatError";
}

/** A file cannot be read, written or downloaded; the message says why and what to do. */
export class FileError extends TypegradError {
  override name = "FileError";
}

/** Something that cannot happen did: a defect of the framework, never of its caller. */
export class InternalError extends Error {
  override name = "InternalError";
}

/** Fails with an `InternalError` unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InternalError(`internal: ${message}. please report this`);
}
