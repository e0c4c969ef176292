export { type Compiled, compile, type CompileOptions, shareState } from "./compile.js";
export { checkpoint, choose, cond, customVjp, scan, type ScanOptions } from "./custom.js";
export { hessian, hvp, jacobian, jacobianForward, type JacobianOptions, jacobianReverse } from "./derivatives.js";
export { differenceGradient, differenceHessian, type DifferenceOptions } from "./differences.js";
export {
  explain,
  Explanation,
  type KernelExplanation,
  type MemoryExplanation,
  type PassExplanation,
} from "./explain.js";
export { jvp, linearize } from "./forward.js";
export { gradcheck, type GradcheckElement, type GradcheckOptions, GradcheckReport } from "./gradcheck.js";
export { ComputationGraph, type DrawingOptions, type GraphEdge, type GraphNode, graphOf } from "./graph.js";
export { grad, type Pull, valueAndGrad, vjp } from "./grad.js";
export { evaluate, hold, scope } from "./memory.js";
export { type MapAxis, slicePlaces, vmap, type VmapOptions } from "./vmap.js";
export { associativeScan, type AssociativeScanOptions, whileLoop, type WhileOptions } from "./while.js";
