import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import type { Meeting } from "../meeting/meeting.ts";
import { Icon } from "./icon.tsx";

/** Hosts: who waits in the lobby, to be let in or turned away. */
export function KnockingList({ meeting }: { readonly meeting: Meeting }): JSX.Element | null {
  const { people } = t.value;
  const knocking = meeting.knocking.value;
  if (knocking.length === 0) return null;
  return (
    <section class="knocking" aria-label={people.waiting} data-testid="knocking">
      <h2>
        <Icon name="door-open" />
        {people.waiting}
      </h2>
      <ul>
        {knocking.map((entry) => (
          <li key={entry.id}>
            <span class="name">{entry.name}</span>
            <button
              type="button"
              class="button"
              aria-label={people.denyLabel(entry.name)}
              onClick={() => meeting.room.deny(entry.id)}
            >
              {people.deny}
            </button>
            <button
              type="button"
              class="button button-primary"
              aria-label={people.admitLabel(entry.name)}
              data-testid={`admit-${entry.id}`}
              onClick={() => meeting.room.admit(entry.id)}
            >
              {people.admit}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
