#!/usr/bin/env node
/** The command `typegrad`: reads arguments, runs the command, and ends with 0 (done), 1 (failed), 2 (wrongly asked) or 130 (stopped). */
import { CommanderError } from "commander";
import { TypegradError } from "../index.js";
import { commands } from "./commands.js";
import { UsageError } from "./usage.js";

/** Says what went wrong and gives the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code !== "commander.help") process.stderr.write(`${error.message}\nsee: typegrad --help\n`);
    return 2;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`error: ${error.message}\n`);
    return 2;
  }
  const text = error instanceof TypegradError ? error.message : error instanceof Error ? error.stack : error;
  process.stderr.write(`error: ${text}\n`);
  return 1;
}

try {
  await commands((code) => (process.exitCode = code)).parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}
