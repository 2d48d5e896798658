// One rank of leave.test.ts: the first one leaves in the midst of a stage, as where it loses its run folder; or another one meets an error
// of its own while it waits for the next stage.
import { launchedRank } from '../../src/base/launcher.js';
import { leave } from '../../src/cli/ranks.js';
import { openMpi } from '../../src/distributed/mpi.js';
import { followFirstRank, runOnRanks } from '../../src/pipeline/ranks.js';
import { stageTable } from '../../src/stages/catalog.js';
import type { Job } from '../../src/stages/stage.js';

const launched = launchedRank(process.env);
if (launched === undefined) throw new Error('started without mpirun');
const mpi = await openMpi(launched);
let hasBegun: () => void = () => undefined;
const begun = new Promise<void>((resolve) => {
  hasBegun = resolve;
});
const stage = {
  async run({ communicator }: Pick<Job<unknown>, 'communicator'>): Promise<never> {
    await communicator?.gather(0);
    hasBegun();
    // The first rank never comes here: it is in a long step.
    if (mpi.rank > 0) await communicator?.gather({ figures: [] });
    return new Promise<never>(() => setInterval(() => undefined, 1000));
  },
};
if (mpi.rank === 0) {
  const job = { communicator: mpi, reporter: undefined, signal: undefined };
  void runOnRanks('pretrain', { onRanks: 'whole' }, stage, job as never).catch(() => undefined);
  await begun;
  await leave(mpi, 1);
} else {
  const stages = { ...stageTable, pretrain: { ...stageTable.pretrain, load: async () => stage } };
  await followFirstRank(mpi, new AbortController().signal, stages as never);
}
