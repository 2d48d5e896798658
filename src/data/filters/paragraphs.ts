// A paragraph that an earlier document had is removed from a later one: headers, disclaimers, quoted posts.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { defineFilter } from './filter.js';

export const paragraphs = defineFilter({
  about: 'removes paragraphs that occurred before in the corpus; drops texts of which too little is left',
  schema: z.strictObject({
    minCharacters: z.int().min(1).default(50).describe('shorter paragraphs stay: headings, refrains, answers'),
    left: z.int().min(1).default(50).describe('characters of a text that must be left'),
    max: z
      .int()
      .min(1)
      .default(100_000_000)
      .describe('paragraphs that are remembered; 17 bytes each, most of it on disk'),
  }),
  scope: 'corpus',
  make: ({ minCharacters, left, max }, { identities }) => {
    const seen = identities.open();
    return ({ text }) => {
      let removed = 0;
      const kept = text.split(/\n{2,}/).filter((paragraph) => {
        const body = paragraph.trim();
        if (body.length < minCharacters) return true;
        const identity = hash('sha256', body, 'buffer').subarray(0, 16);
        const isNew = seen.size < max ? seen.add(identity) : !seen.has(identity);
        if (!isNew) removed++;
        return isNew;
      });
      if (removed === 0) return undefined;
      const rest = kept.join('\n\n').trim();
      return rest.length < left
        ? { drop: `${rest.length} characters left` }
        : { text: rest, counts: { paragraphs: removed } };
    };
  },
});
