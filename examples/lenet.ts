/** LeNet-5 learns handwritten digits for one epoch, with `fit` doing the loop. */
import { DataLoader, digits } from "typegrad/data";
import { lenet5 } from "typegrad/models";
import { crossEntropy } from "typegrad/nn";
import { adam } from "typegrad/optim";
import { accuracy, fit } from "typegrad/train";

const train = new DataLoader(await digits({ split: "train" }), { batchSize: 32, shuffle: true });
const test = new DataLoader(await digits({ split: "test" }), { batchSize: 200 });

const { history } = await fit(lenet5(), {
  data: train,
  validation: test,
  validationName: "test",
  pair: ({ images, labels }) => [images, labels],
  loss: crossEntropy,
  optimizer: adam({ learningRate: 2e-3 }),
  epochs: 1,
  metrics: { accuracy: accuracy() },
  seed: 0,
});
for (const { epoch, trainLoss, testLoss, testAccuracy, seconds } of history)
  console.log(`epoch ${epoch}: loss ${trainLoss}, test loss ${testLoss}, test accuracy ${testAccuracy}, ${seconds} s`);
