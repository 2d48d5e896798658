// What plans say alike: this machine's rate, and large numbers.

/** Multiply-adds in fp32, measured now (a second); null without the native engine. */
export async function peakOf(threads: number | undefined): Promise<number | null> {
  const { probeMachine } = await import('../tensor/native/probe.js');
  const { fp32PeakGflops } = probeMachine(threads);
  return fp32PeakGflops === null ? null : fp32PeakGflops * 1e9;
}

/** 4.62e7 as `4.62·10^7`. */
export function formatPower(value: number): string {
  const [digits, power] = value.toExponential(2).split('e');
  return `${digits}·10^${Number(power)}`;
}
