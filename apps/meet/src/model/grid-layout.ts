/** How `count` tiles of one size fill a box. Lengths in CSS pixels. */
export interface GridLayout {
  readonly columns: number;
  readonly rows: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
}

export interface GridLayoutOptions {
  readonly gap: number;
  /** Narrowest and widest tile, width over height: faces survive cropping between these. */
  readonly minAspect: number;
  readonly maxAspect: number;
}

export const DEFAULT_GRID_LAYOUT_OPTIONS: GridLayoutOptions = { gap: 8, minAspect: 3 / 4, maxAspect: 16 / 9 };

/**
 * The arrangement with the largest tiles. On equal size the one with fewer empty places, then fewer columns.
 */
export function gridLayout(
  count: number,
  width: number,
  height: number,
  options: GridLayoutOptions = DEFAULT_GRID_LAYOUT_OPTIONS,
): GridLayout {
  const { gap, minAspect, maxAspect } = options;
  let best: GridLayout = { columns: 1, rows: Math.max(1, count), tileWidth: 0, tileHeight: 0 };
  let bestScore = -1;
  for (let columns = 1; columns <= Math.max(1, count); columns++) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const cellWidth = Math.max(0, (width - gap * (columns - 1)) / columns);
    const cellHeight = Math.max(0, (height - gap * (rows - 1)) / rows);
    if (cellWidth === 0 || cellHeight === 0) continue;
    const aspect = Math.min(maxAspect, Math.max(minAspect, cellWidth / cellHeight));
    const tileWidth = Math.floor(Math.min(cellWidth, cellHeight * aspect));
    const tileHeight = Math.floor(Math.min(cellHeight, cellWidth / aspect));
    const empty = columns * rows - count;
    const score = tileWidth * tileHeight * (1 - empty * EMPTY_PLACE_COST);
    if (score > bestScore) {
      best = { columns, rows, tileWidth, tileHeight };
      bestScore = score;
    }
  }
  return best;
}

/** An empty place looks like a mistake: it has to buy its room with visibly larger tiles. */
const EMPTY_PLACE_COST = 0.04;
