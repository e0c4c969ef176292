/** What callers say about a chart; apart from the library that draws it, whose types nobody else needs. */

/** What an axis shows. */
export interface AxisOptions {
  readonly label?: string;
  /** Ends of the axis; the data's own when absent. */
  readonly domain?: readonly [number, number];
  readonly log?: boolean;
  /** A d3 number format such as `.0%` or `.3f`. */
  readonly format?: string;
}

/** What every chart accepts. */
export interface ChartOptions {
  readonly title?: string;
  readonly width?: number;
  readonly height?: number;
  readonly x?: AxisOptions;
  readonly y?: AxisOptions;
}

/** A cloud of points. */
export interface Points {
  readonly name?: string;
  /** Joined in their order, the last one marked: the path of a run. */
  readonly isPath?: boolean;
  readonly x: readonly number[];
  readonly y: readonly number[];
}
