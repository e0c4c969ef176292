export { type Compiled, compile, type CompileOptions, shareState } from "./compile.js";
export { checkpoint, choose, cond, customVjp, scan, type ScanOptions } from "./custom.js";
export { hessian, hvp, jacobian, jacobianForward, jacobianReverse } from "./derivatives.js";
export { jvp, linearize } from "./forward.js";
export { gradcheck, type GradcheckElement, type GradcheckOptions, GradcheckReport } from "./gradcheck.js";
export { grad, type Pull, valueAndGrad, vjp } from "./grad.js";
export { evaluate, hold, scope } from "./memory.js";
export { type MapAxis, slicePlaces, vmap, type VmapOptions } from "./vmap.js";
export { associativeScan, type AssociativeScanOptions, whileLoop, type WhileOptions } from "./while.js";
