// Preloaded (`--import`, after tsx) by tests that open one backend or another: whatever they ask for, they compute on
// `tensorflow`, and say of it what they say of the backend that they were written with.
import { register } from 'node:module';

register(new URL('./instead-hooks.mjs', import.meta.url));
