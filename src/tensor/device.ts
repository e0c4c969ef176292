/** Which device computes. */
import type { Device, DeviceValue } from "../backend/backend.js";
import { WasmDevice } from "../backend/wasm/device.js";
import type { Stored } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { DeviceError } from "../util/errors.js";

export { getThreads, setThreads } from "../backend/arena/pool.js";

/** How each device is made, by name; one entry makes a device known. */
const makers: Readonly<Record<string, () => Promise<Device>>> = {
  wasm: async () => new WasmDevice(),
  native: async () => new (await import("../backend/native/device.js")).NativeDevice(),
  reference: async () => new (await import("../backend/reference/device.js")).ReferenceDevice(),
};

const made = new Map<string, Device>();
let current: Device | null = null;

/** The names of all devices. */
export const deviceNames = (): readonly string[] => Object.keys(makers);

/** The device that computes from now on. It is made when it is first asked for. */
export async function setDevice(name: string): Promise<void> {
  current = await device(name);
}

/** A device by its name. */
export async function device(name: string): Promise<Device> {
  const found = made.get(name);
  if (found !== undefined) return found;
  if (current === null && name === getDevice().name) return getDevice();
  const maker = Object.hasOwn(makers, name) ? makers[name] : undefined;
  if (maker === undefined)
    throw new DeviceError(
      `device: the name must be one of ${deviceNames().join(", ")}, got "${name}". check the spelling`,
    );
  const fresh = await maker();
  made.set(name, fresh);
  return fresh;
}

/** The device new computations run on. */
export function getDevice(): Device {
  if (current === null) {
    current = new WasmDevice();
    made.set(current.name, current);
  }
  return current;
}

const isDeviceValue = (value: Stored): value is DeviceValue => value.device !== "host";

/** The device that all values which are on one share; the current one when none is. */
export function commonDevice(values: Iterable<Stored | null>): Device {
  let chosen: DeviceValue | null = null;
  let name = "host";
  for (const value of values) {
    if (value === null || value.device === name || !isDeviceValue(value)) continue;
    if (chosen !== null)
      throw new DeviceError(
        `device: tensors of one computation must be on one device, got ${show(chosen)} on ${chosen.device} and ${show(value)} on ${value.device}. move one with x.to("${chosen.device}")`,
      );
    chosen = value;
    name = value.device;
  }
  if (chosen === null) return getDevice();
  const found = made.get(chosen.device);
  if (found === undefined)
    throw new DeviceError(
      `device: a tensor's device must be open, got ${show(chosen)} on ${chosen.device}. call setDevice("${chosen.device}")`,
    );
  return found;
}
