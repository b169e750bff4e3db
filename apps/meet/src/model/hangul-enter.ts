/**
 * What Enter means in the message field while an input method is composing.
 *
 * A Korean typist presses Enter once, with the last syllable still open: the message must be sent whole and
 * once, so Enter is remembered until the syllable is closed (`compositionend`). For Japanese and Chinese, Enter
 * during composition chooses a candidate and must not send anything.
 */
export class HangulEnter {
  #composing = "";
  #sendWhenClosed = false;

  /** `compositionstart` and `compositionupdate`, with the event's `data`. */
  handleComposition(text: string): void {
    this.#composing = text;
  }

  /**
   * `keydown` of Enter.
   *
   * @param isComposing - The event's `isComposing`, or `keyCode === 229`, which Safari reports instead.
   */
  handleEnter(isComposing: boolean): EnterAction {
    if (!isComposing) return "send";
    if (!isHangul(this.#composing)) return "wait";
    this.#sendWhenClosed = true;
    return "remember";
  }

  /** Another key arrived: whatever Enter had been meant to do is off. */
  handleOtherKey(): void {
    this.#sendWhenClosed = false;
  }

  /** `compositionend`. True when the remembered Enter is due: send the field's value now. */
  handleCompositionEnd(): boolean {
    const due = this.#sendWhenClosed;
    this.#sendWhenClosed = false;
    this.#composing = "";
    return due;
  }
}

/**
 * `send`: send now. `remember`: send when the syllable closes; the key itself must do nothing.
 * `wait`: leave the key to the input method.
 */
export type EnterAction = "send" | "remember" | "wait";

function isHangul(text: string): boolean {
  return /^[\p{Script=Hangul}]+$/u.test(text);
}
