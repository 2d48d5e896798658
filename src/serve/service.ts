// What all routes share of this process: the models, who is let in, the figures, and how a failure is printed.
import type { Admission } from './admission.js';
import type { Limits } from './limits.js';
import type { Metrics } from './metrics.js';
import type { ServedModels } from './models.js';

export interface Service {
  models: ServedModels;
  admission: Admission;
  metrics: Metrics;
  limits: Limits;
  /** Of this process: what changes something has to send it. */
  token: string;
}
