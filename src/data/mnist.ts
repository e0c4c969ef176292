/** The MNIST handwritten digits (LeCun, Cortes, Burges 1998). */
import type { ArrayDataset } from "./dataset.js";
import { dataFolders } from "./folders.js";
import { type IdxImages, type LabelledImages, type PublishedOptions, loadIdxImages } from "./idx-images.js";

const published: IdxImages = {
  op: "mnist",
  name: "mnist",
  // Mirrors of the original files: PyTorch's, and that of the Common Visual Data Foundation, which TensorFlow uses.
  homes: ["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"],
  files: {
    train: {
      images: {
        name: "train-images-idx3-ubyte.gz",
        bytes: 9_912_422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
      },
      labels: {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 28_881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
      },
    },
    test: {
      images: {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 1_648_877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
      },
      labels: {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 4_542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
      },
    },
  },
};

/**
 * The MNIST digits, 60,000 to train on and 10,000 to test with, as `{ images: float32[N,1,28,28], labels: int32[N] }`.
 *
 * They are looked for in `root`, then in the folder that `TYPEGRAD_DATA` names, then in the user's cache folder, each with
 * its subfolder `mnist`, plain or packed with gzip; what is found nowhere is downloaded, checked, and kept in `root` or
 * the cache folder.
 *
 * @throws FileError when the files are nowhere and cannot be downloaded; FormatError when they are damaged.
 */
export const mnist = (options: PublishedOptions = {}): Promise<ArrayDataset<LabelledImages>> =>
  loadIdxImages(published, dataFolders("mnist", options.root), options);
