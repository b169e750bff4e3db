/** Colours of the terminal; each function is the identity where there are none. */
export interface Paint {
  bold(text: string): string;
  quiet(text: string): string;
  jade(text: string): string;
  amber(text: string): string;
  red(text: string): string;
}

/** @param isColoured - False for files, pipes and terminals that ask for none. */
export function createPaint(isColoured: boolean): Paint {
  const with_ =
    (open: number, close: number) =>
    (text: string): string =>
      isColoured && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: with_(1, 22),
    quiet: with_(2, 22),
    jade: with_(36, 39),
    amber: with_(33, 39),
    red: with_(31, 39),
  };
}

/** Whether a stream shows colours (https://no-color.org). */
export function hasColours(stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
}
