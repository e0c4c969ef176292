/** Which device computes. */
import type { Device, DeviceValue } from "../backend/backend.js";
import { environmentVariable, moduleNow } from "../backend/arena/environment.js";
import { CpuDevice } from "../backend/cpu/device.js";
import { WasmDevice } from "../backend/wasm/device.js";
import type { Stored } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { DeviceError } from "../util/errors.js";

export { getThreads, setThreads } from "../backend/arena/threads.js";

/** How each device is made, by name; one entry makes a device known. `cpu` is the one that computes if nothing is said. */
const makers: Readonly<Record<string, () => Promise<Device>>> = {
  cpu: async () => new CpuDevice(),
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

/** The device new computations run on: that of `setDevice`, else that which `TYPEGRAD_DEVICE` names, else `cpu`. */
export function getDevice(): Device {
  if (current === null) {
    current = namedDevice(environmentVariable("TYPEGRAD_DEVICE"));
    made.set(current.name, current);
  }
  return current;
}

/** The device that the environment names, without waiting. */
function namedDevice(name: string): Device {
  if (name === "" || name === "cpu") return new CpuDevice();
  if (name === "wasm") return new WasmDevice();
  const module = deviceNames().includes(name) ? moduleNow(import.meta.url, `../backend/${name}/device.js`) : undefined;
  if (isNativeModule(module)) return new module.NativeDevice();
  if (isReferenceModule(module)) return new module.ReferenceDevice();
  throw module === undefined
    ? new DeviceError(
        `TYPEGRAD_DEVICE: the name must be one of ${deviceNames().join(", ")}, got "${name}". check the spelling`,
      )
    : new DeviceError(
        `TYPEGRAD_DEVICE: ${name} must be a file beside this package's, got a bundle. call await setDevice("${name}")`,
      );
}

type NativeModule = typeof import("../backend/native/device.js");
type ReferenceModule = typeof import("../backend/reference/device.js");
const isNativeModule = (x: unknown): x is NativeModule => typeof x === "object" && x !== null && "NativeDevice" in x;
const isReferenceModule = (x: unknown): x is ReferenceModule =>
  typeof x === "object" && x !== null && "ReferenceDevice" in x;

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
