/** The minimal trainer in TensorFlow.js, on the backend that is set. */
import * as tf from "@tensorflow/tfjs";

export async function train(): Promise<void> {
  await tf.ready();
  const x = tf.tensor2d([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = tf.tensor2d([[0], [1], [1], [0]]);
  const w1 = tf.variable(tf.randomNormal<tf.Rank.R2>([2, 8]));
  const b1 = tf.variable(tf.zeros([8]));
  const w2 = tf.variable(tf.randomNormal<tf.Rank.R2>([8, 1]));
  const b2 = tf.variable(tf.zeros([1]));
  const optimizer = tf.train.adam(0.05);
  const loss = (): tf.Scalar => {
    const hidden = tf.tanh(tf.add(tf.matMul(x, w1), b1));
    return tf.losses.meanSquaredError(y, tf.add(tf.matMul(hidden, w2), b2)).asScalar();
  };
  let last = 0;
  for (let i = 0; i < 300; i++) {
    const value = optimizer.minimize(loss, true);
    last = (await value?.data())?.[0] ?? last;
    value?.dispose();
  }
  console.log(last);
}
