/** Which device computes. */
import type { Device, DeviceValue } from "../backend/backend.js";
import { ReferenceDevice } from "../backend/reference/device.js";
import type { Stored } from "../ir/node.js";
import { show } from "../ir/shape.js";
import { DeviceError } from "../util/errors.js";

/** How each device is made, by name; one entry makes a device known. */
const makers: Readonly<Record<string, () => Promise<Device>>> = {
  reference: async () => new ReferenceDevice(),
};

const made = new Map<string, Device>();
let current: Device = new ReferenceDevice();
made.set(current.name, current);

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
export const getDevice = (): Device => current;

const isDeviceValue = (value: Stored): value is DeviceValue => value.device !== "host";

/** The device that all values which are on one share; the current one when none is. */
export function commonDevice(values: Iterable<Stored>): Device {
  let chosen: DeviceValue | null = null;
  for (const value of values) {
    if (!isDeviceValue(value) || value.device === chosen?.device) continue;
    if (chosen !== null)
      throw new DeviceError(
        `device: tensors of one computation must be on one device, got ${show(chosen)} on ${chosen.device} and ${show(value)} on ${value.device}. move one with x.to("${chosen.device}")`,
      );
    chosen = value;
  }
  if (chosen === null) return current;
  const found = made.get(chosen.device);
  if (found === undefined)
    throw new DeviceError(`device: ${chosen.device} is not open. call setDevice("${chosen.device}")`);
  return found;
}
