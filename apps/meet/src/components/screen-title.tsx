import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Whether any screen was shown before: the first one is read from its beginning anyway. */
let isFirst = true;

/**
 * Heading of a screen. What had the keyboard went with the screen before, so the heading takes it: screen readers say
 * where one is, and Tab goes on from there.
 */
export function ScreenTitle({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const isLost = document.activeElement === document.body;
    if (isLost && !isFirst) element.current?.focus({ preventScroll: true });
    isFirst = false;
  }, []);
  return (
    <h1 ref={element} tabIndex={-1} class="screen-title">
      {children}
    </h1>
  );
}
