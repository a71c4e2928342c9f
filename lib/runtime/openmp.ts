/**
 * How long a team's threads spin at a barrier before they sleep, in libgomp's unit (about a nanosecond or two each). Its own
 * default is milliseconds: on a machine with other work, or with two sessions, spinning threads then take the processor from
 * those they wait for, and a run takes ten times as long.
 */
const SPIN_COUNT = '1000';

/**
 * Makes waiting OpenMP threads give way. Must run before the addon, and with it the OpenMP library, is loaded; leaves alone what
 * the user decided by OMP_WAIT_POLICY or GOMP_SPINCOUNT.
 */
export function limitSpinning(environment: NodeJS.ProcessEnv): void {
  if (environment['OMP_WAIT_POLICY'] === undefined && environment['GOMP_SPINCOUNT'] === undefined) {
    environment['GOMP_SPINCOUNT'] = SPIN_COUNT;
  }
}
