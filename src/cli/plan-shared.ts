// What the two plans, of pretraining and of fine-tuning, say alike: this machine's rate.

/** Multiply-adds in fp32, measured now (a second); null without the native engine. */
export async function peakOf(threads: number | undefined): Promise<number | null> {
  const { probeMachine } = await import('../tensor/native/probe.js');
  const { fp32PeakGflops } = probeMachine(threads);
  return fp32PeakGflops === null ? null : fp32PeakGflops * 1e9;
}
