import { type Clock, platformClock } from "../base/clock.js";
import type { TalkdeskError } from "../base/errors.js";
import { type EventDetails, publish } from "./event-publisher.js";
import type { LifecycleOptions } from "./lifecycle-options.js";
import type { ReportEvent, SourceGrant } from "./token-call.js";
import type { TokenEvent } from "./token-event.js";

/** The source that an event is about. */
interface EventOrigin {
  readonly grant: Pick<SourceGrant, "client" | "grantType">;
  readonly clock: Clock;
  readonly options: Pick<LifecycleOptions, "label" | "onEvent">;
}

/**
 * Publishes an event of a source. `details` is called only when there is a listener.
 * @internal
 */
export function emit<Type extends EventDetails["type"]>(
  { grant, clock, options: { label, onEvent } }: EventOrigin,
  type: Type,
  details: () => Omit<Extract<EventDetails, { type: Type }>, "type">,
): void {
  const { grantType, client } = grant;
  const { clientId } = client.authentication;
  publish(
    type,
    () =>
      ({
        type,
        at: clock.now(),
        grantType,
        tokenEndpoint: client.endpoints.token,
        ...(clientId !== undefined && { clientId }),
        ...(label !== undefined && { label }),
        ...details(),
      }) as TokenEvent,
    onEvent,
  );
}

/**
 * Makes the function that publishes what happens to a source outside its lifecycle.
 * @internal
 */
export const createReporter =
  (grant: EventOrigin["grant"], options: LifecycleOptions): ReportEvent =>
  (type, error) =>
    emit(
      { grant, clock: grant.client.clock ?? platformClock, options },
      type,
      () => (error === undefined ? {} : { error }) as { error: TalkdeskError },
    );
