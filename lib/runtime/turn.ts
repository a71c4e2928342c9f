/** Milliseconds for which runs may take place in calls, over all sessions of this thread, before the event loop has to turn. */
const BUDGET = 10;

// As they are now: promises must settle under test frameworks that replace timers and clocks.
const { setImmediate, performance } = globalThis;

/** When the first run in a call began since the event loop last turned. */
let since: number | undefined;
let turn: Promise<void> | undefined;

/** Whether a run may take place in the call without keeping the event loop from its work for longer. */
export function mayRunInCall(): boolean {
  return since === undefined || performance.now() - since < BUDGET;
}

/**
 * Accounts for a run that took place in a call, from `start` until now. Beyond the budget it answers with a promise of the event
 * loop's next turn: a caller that awaits one run after another would never let it turn, since promises settle without it.
 */
export function afterRunInCall(start: number): Promise<void> | undefined {
  since ??= start;
  turn ??= new Promise((resolve) =>
    setImmediate(() => {
      since = turn = undefined;
      resolve();
    }),
  );
  return mayRunInCall() ? undefined : turn;
}
