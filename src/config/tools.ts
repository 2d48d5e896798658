// How a stage names the tools that run. A pipeline may be somebody else's: it names what is built in, with what it reads, and what
// the person has among their own tools. No file that says how a tool runs is opened on its word.
import { z } from 'zod';

const toolName = z
  .string()
  .max(4000)
  .regex(
    /^(?:[\w-]+=.+|[A-Za-z_][\w-]*(?:,[A-Za-z_][\w-]*)*)$/s,
    'name a built-in tool, with what it reads where it needs that (Search=notes/), or one of your own tools folder: no file says in a pipeline what runs',
  );

export const toolNames = z.array(toolName).min(1).max(64);
