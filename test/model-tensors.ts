// A model's weights on the host, for tests that compare them.
import type { HostTensor } from '../src/base/host-tensor.js';
import { type Model, weight } from '../src/model/model.js';

/** In the table's order. */
export function modelTensors(model: Model): HostTensor[] {
  return model.parameters.map(({ name, shape }) => ({
    name,
    shape,
    data: (weight(model, name).dataSync() as Float32Array).slice(),
  }));
}
