/** Tests that are the same on every device. */
import { test } from "node:test";
import { device, DeviceError, deviceNames, setDevice } from "typegrad";

/** One test for each device, with that device current; skipped, with the reason, where it cannot be had. */
export function testOnDevices(title: (name: string) => string, body: () => void): void {
  for (const name of deviceNames())
    test(title(name), async (t) => {
      try {
        await device(name);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        return t.skip(error.message);
      }
      await setDevice(name);
      try {
        body();
      } finally {
        await setDevice("wasm");
      }
    });
}
