export { Module } from "./module.js";
export { assign, type Entry, entries, leaves, map, modules, type Role, structure, unflatten, zipMap } from "./tree.js";
