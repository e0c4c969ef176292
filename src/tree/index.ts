export { Layout } from "./layout.js";
export { Module, modules } from "./module.js";
export { ravel, type Raveled } from "./ravel.js";
export { assign, type Entry, entries, leaves, map, type Role, structure, unflatten, zipMap } from "./tree.js";
