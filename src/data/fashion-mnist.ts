/** Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747): Zalando's articles in the files and sizes of MNIST. */
import type { ArrayDataset } from "./dataset.js";
import { ownFolders } from "./folders.js";
import { type IdxImages, type LabelledImages, type PublishedOptions, loadIdxImages } from "./idx-images.js";

/** What the labels 0 to 9 stand for. */
export const fashionMnistClasses: readonly string[] = [
  "T-shirt/top",
  "trouser",
  "pullover",
  "dress",
  "coat",
  "sandal",
  "shirt",
  "sneaker",
  "bag",
  "ankle boot",
];

const published: IdxImages = {
  op: "fashionMnist",
  name: "fashion-mnist",
  // Its authors' own.
  homes: [
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
  ],
  files: {
    train: {
      images: {
        name: "train-images-idx3-ubyte.gz",
        bytes: 26_421_880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
      },
      labels: {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 29_515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
      },
    },
    test: {
      images: {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 4_422_102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
      },
      labels: {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 5_148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
      },
    },
  },
};

/**
 * Fashion-MNIST, 60,000 pictures to train on and 10,000 to test with, as
 * `{ images: float32[N,1,28,28], labels: int32[N] }`.
 *
 * The files have the names of MNIST's, so shared folders must hold them in a subfolder `fashion-mnist`: they are looked
 * for in `root` itself, then in that subfolder of `root`, of the folder that `TYPEGRAD_DATA` names, of the user's cache
 * folder, and of the system's (Debian's package dataset-fashion-mnist). What is found nowhere is downloaded, checked, and
 * kept in `root` or the cache folder.
 *
 * @throws FileError when the files are nowhere and cannot be downloaded; FormatError when they are damaged.
 */
export const fashionMnist = (options: PublishedOptions = {}): Promise<ArrayDataset<LabelledImages>> =>
  loadIdxImages(published, ownFolders("fashion-mnist", options.root), options);
