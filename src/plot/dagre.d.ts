/** What is used of dagre; its own declarations leave out the file extensions that Node's resolution asks for. */
export interface Size {
  readonly width?: number;
  readonly height?: number;
}
export interface Place {
  readonly x: number;
  readonly y: number;
}
export class Graph {
  constructor(options: { readonly multigraph: boolean });
  setGraph(label: {
    readonly rankdir: string;
    readonly nodesep: number;
    readonly ranksep: number;
    readonly marginx: number;
    readonly marginy: number;
  }): this;
  setNode(id: string, label: Size): this;
  setEdge(from: string, to: string, label: Size & { readonly labelpos?: string }, name: string): this;
  graph(): Size;
  node(id: string): Place & Required<Size>;
  edge(from: string, to: string, name: string): { readonly points: readonly Place[] };
}
export function layout(graph: Graph): void;
