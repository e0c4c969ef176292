/** Data sets, batches of them, and the handwritten digits. */
export { type Batch, type Leaf, type Rows, collate } from "./batch.js";
export {
  type ArrayDataset,
  type Dataset,
  type SplitOptions,
  arrayDataset,
  batchOf,
  map,
  split,
  subset,
  take,
} from "./dataset.js";
export { type LoaderOptions, type LoaderState, DataLoader } from "./loader.js";
export { muLawDecode, muLawEncode } from "./mu-law.js";
export { bootstrap, type BootstrapOptions, outOfBag, permutation } from "./shuffle.js";
export { labToRgb, rgbToLab } from "./lab.js";
export * as pretext from "./pretext.js";
export { type DownloadOptions, type DownloadProgress, type RemoteFile, download } from "./download.js";
export { cacheFolder, dataFolders, ownFolders } from "./folders.js";
export { type LabelledImages, type PublishedOptions, labelledImages } from "./idx-images.js";
export { Levels } from "./levels.js";
export { mnist } from "./mnist.js";
export { fashionMnist, fashionMnistClasses } from "./fashion-mnist.js";
export { cifar10, cifar100, cifar10Classes } from "./cifar.js";
export { parseTar } from "./tar.js";
export { cells, type CellsOptions, type SegmentedImages } from "./cells.js";
export { adding, type AddedSequences, type AddingOptions } from "./sequence-tasks.js";
export { type DigitsOptions, digits } from "./digits.js";
export { type Classes, type CsvOptions, parseCsv, readCsv, Table } from "./table.js";
export {
  breastCancer,
  type DownloadedOptions,
  iris,
  type LabelledRows,
  penguins,
  tableOf,
  type TabularDataset,
  type TabularOptions,
  vegaTable,
  wine,
} from "./tabular.js";
export * as transforms from "./transforms/index.js";
export { speech, type SpeechOptions } from "./speech.js";
export { formatWav, parseWav, readWav, resample, type Sound, type WindowOptions, windows, writeWav } from "./wav.js";
export { type Channels, decodePicture, type LoadSize, resizePicture } from "./pictures.js";
export {
  type ImageFolder,
  imageFolder,
  type ImageFolderOptions,
  type ImageMaskOptions,
  imageMasks,
  type LabelledImage,
  type SegmentedImage,
} from "./image-folder.js";
