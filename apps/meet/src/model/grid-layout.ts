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

/** For a box of that shape: upright phones see upright tiles, wide windows keep most of a camera's wide picture. */
export function gridLayoutOptions(width: number, height: number): GridLayoutOptions {
  return { gap: 8, minAspect: width > height ? 5 / 4 : 3 / 4, maxAspect: 16 / 9 };
}

/** The arrangement with the largest tiles and faces; on equal terms the one with fewer empty places. */
export function gridLayout(
  count: number,
  width: number,
  height: number,
  options: GridLayoutOptions,
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
    // A camera's wide picture fills the tile, so an upright tile of the same size shows a larger face.
    const faceScale = Math.max(tileWidth / 16, tileHeight / 9);
    const score = tileWidth * tileHeight * faceScale * (1 - empty * EMPTY_PLACE_COST);
    if (score > bestScore) {
      best = { columns, rows, tileWidth, tileHeight };
      bestScore = score;
    }
  }
  return best;
}

/** An empty place looks like a mistake: it has to buy its room with visibly larger tiles. */
const EMPTY_PLACE_COST = 0.04;
