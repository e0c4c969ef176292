export { lenet5, type LeNet5 } from "./lenet5.js";
export * from "./resnet.js";
