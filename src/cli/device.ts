/** Devices by the names that people type. */
import { deviceNames, setDevice } from "../index.js";
import { oneOf } from "./usage.js";

/** Makes a device the one that computes, or fails with a `UsageError` that lists them. */
export const useDevice = (name: string): Promise<void> => setDevice(oneOf("--device", deviceNames(), name));
