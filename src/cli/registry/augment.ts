/** What is done to batches in training only, inside the compiled step. Pictures are `[N, C, H, W]`. */
import { transforms } from "../../data/index.js";
import { type Tensor, arange, random } from "../../index.js";
import type { Facts, Pair } from "./task.js";

export type Augmentation = (batch: Pair, facts: Facts) => Pair;

const { compose, randomCrop, randomHorizontalFlip, randomResizedCrop, randomVerticalFlip } = transforms;

/** A transform of the pictures that leaves their targets as they are. */
const ofPictures =
  (make: (facts: Facts) => transforms.Transform): Augmentation =>
  ([x, y], facts) => [make(facts)(x), y];

/** Moves all pictures of a batch alike, by up to `most` pixels each way; black comes in. */
export const shift = (most: number): Augmentation =>
  ofPictures(() => (x) => {
    const [, , rows, columns] = x.shape;
    const padded = x.pad([
      [0, 0],
      [0, 0],
      [most, most],
      [most, most],
    ]); // [N, C, H + 2 most, W + 2 most]
    const offset = (): Tensor => random.randint(random.defaultGenerator.next(), [], 0, 2 * most + 1);
    const places = (length: number): Tensor => arange(0, length, 1, { dtype: "int32" }).add(offset());
    return padded.take(places(rows), 2).take(places(columns), 3);
  });

const mirrored = ({ mirrors }: Facts): transforms.Transform[] => (mirrors ? [randomHorizontalFlip()] : []);

/**
 * For every picture a place of its own, up to `most` pixels away each way (black comes in), and where mirror images are
 * examples, too, every other one mirrored (He et al. 2016, section 4.2).
 */
export const cropAndFlip = (most: number): Augmentation =>
  ofPictures((facts) => {
    const [, rows, columns] = facts.input;
    return compose(randomCrop([rows, columns], { padding: most }), ...mirrored(facts));
  });

/** A part of every picture at the size of the whole, and where that makes sense mirrored (Szegedy et al. 2015, section 6). */
export const partAndFlip: Augmentation = ofPictures((facts) => {
  const [, rows, columns] = facts.input;
  return compose(randomResizedCrop([rows, columns]), ...mirrored(facts));
});

/** Mirrors pictures and the classes `[N, H, W]` of their pixels together, left to right and top to bottom, at random. */
export const flips: Augmentation = ([x, y], { mirrors }) => {
  if (!mirrors) return [x, y];
  const flip = compose(randomHorizontalFlip(), randomVerticalFlip());
  const key = random.defaultGenerator.next();
  return [flip(x, key), flip(y.expandDims(1), key).squeeze(1)];
};
