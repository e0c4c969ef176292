/** A model, or a part of one: an object whose tensor fields, at any depth, are its state. */

/**
 * Base of layers and models. Fields that hold tensors are parameters, unless the class names them in `buffers` or they are
 * frozen. Other fields are static: they belong to the model's structure, and a compiled step that sees one changed traces
 * again.
 */
export abstract class Module {
  /** Whether the model is being trained: dropout drops and batch normalisation uses the batch only then. */
  training = true;
  /** Names of own fields whose tensors optimizers leave alone. */
  frozen: readonly string[] = [];

  /** Names of own fields whose tensors are saved but are statistics, never trained. */
  get buffers(): readonly string[] {
    return [];
  }
}
