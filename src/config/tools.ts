// How a stage names the tools that run, as behind --tools.
import { z } from 'zod';

export const toolNames = z.array(z.string().min(1).max(4000)).min(1).max(64);
