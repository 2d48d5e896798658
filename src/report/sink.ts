// A reader of the events, and what it writes to.
import type { Event } from './event.js';

export type OutputStream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export interface Sink {
  emit(event: Event): void;
  close(): void;
}
