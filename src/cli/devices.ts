/** `typegrad devices` */
import { device, deviceNames, messageOf } from "../index.js";

/** Prints the devices with what keeps those from working that do not. */
export async function devices(out: NodeJS.WriteStream): Promise<number> {
  const names = deviceNames();
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const state = await device(name).then(
      () => "ready",
      (error: unknown) => `not here: ${messageOf(error)}`,
    );
    out.write(`${name.padEnd(width)}  ${state}\n`);
  }
  return 0;
}
