/** `typegrad/plot`: charts as SVG strings, from plain numbers, the same in Node and in browsers. */
export { bars, binCounts, histogram, lines, scatter } from "./charts.js";
export type { Bar, Series } from "./charts.js";
export { graph } from "./graph.js";
export type { GraphArrow, GraphBox, GraphDrawing, GraphOptions } from "./graph.js";
export { confusion, contour, heatmap, imageGrid } from "./grids.js";
export type { Captioned, Field, Matrix, TableOptions } from "./grids.js";
export { type Polygon, polygons } from "./polygons.js";
export { decodeGrey, decodePng, decodePngLevels, encodePng, pngUri } from "./png.js";
export { type PngOptions, toElement, toPng } from "./raster.js";
export type { Picture } from "./png.js";
export type { AxisOptions, ChartOptions, Points } from "./options.js";
export { colour, themeCss } from "./style.js";
