/** Something that happens at an instant of virtual time, unless it is cancelled. */
export interface Happening {
  readonly at: number;
  /** Happenings of one instant come in the order of their numbers. */
  readonly number: number;
  readonly happen: () => void;
  isCancelled: boolean;
}

/** Virtual time in milliseconds: it passes only from one happening to the next. */
export interface VirtualTime {
  readonly now: number;
  /** Plans a happening `delayMs` milliseconds from now. */
  plan(delayMs: number, happen: () => void): Happening;
  /** Lets the event loop of Node turn before the next happening: what waits for sockets to be read then goes on. */
  turnEventLoop(): void;
  /** Lets time pass until this instant. Between two happenings, all that waits for neither time nor messages is done. */
  runUntil(end: number): Promise<void>;
}

export function virtualTime(): VirtualTime {
  const queue = happeningQueue();
  let now = 0;
  let last = 0;
  let mustTurn = false;
  return {
    get now() {
      return now;
    },
    plan(delayMs, happen) {
      last += 1;
      const happening = { at: now + Math.max(0, delayMs), number: last, happen, isCancelled: false };
      queue.add(happening);
      return happening;
    },
    turnEventLoop() {
      mustTurn = true;
    },
    async runUntil(end) {
      await microtasksDone();
      for (;;) {
        const happening = queue.takeFirst(end);
        if (happening === undefined) break;
        now = happening.at;
        if (happening.isCancelled) continue;
        happening.happen();
        await microtasksDone();
        if (mustTurn) await eventLoopTurned();
        mustTurn = false;
      }
      now = Math.max(now, end);
    },
  };
}

/** Resolves when nothing is left that can go on by itself. Node runs this callback after all microtasks. */
const microtasksDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Core lets three turns pass before a late deadline strikes. */
const TURNS = 5;

async function eventLoopTurned(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface HappeningQueue {
  add(happening: Happening): void;
  /** Removes the first happening, unless it is later than `end`. */
  takeFirst(end: number): Happening | undefined;
}

/** A binary heap, the earliest happening first. */
function happeningQueue(): HappeningQueue {
  const heap: Happening[] = [];
  const isEarlier = (one: number, other: number): boolean => {
    const [a, b] = [heap[one] as Happening, heap[other] as Happening];
    return a.at < b.at || (a.at === b.at && a.number < b.number);
  };
  const swap = (one: number, other: number): void => {
    [heap[one], heap[other]] = [heap[other] as Happening, heap[one] as Happening];
  };
  return {
    add(happening) {
      heap.push(happening);
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1;
        if (!isEarlier(child, parent)) break;
        swap(child, parent);
        child = parent;
      }
    },
    takeFirst(end) {
      const first = heap[0];
      if (first === undefined || first.at > end) return undefined;
      const last = heap.pop() as Happening;
      if (heap.length > 0) {
        heap[0] = last;
        for (let parent = 0; ; ) {
          let least = parent;
          for (const child of [2 * parent + 1, 2 * parent + 2]) {
            if (child < heap.length && isEarlier(child, least)) least = child;
          }
          if (least === parent) break;
          swap(parent, least);
          parent = least;
        }
      }
      return first;
    },
  };
}
