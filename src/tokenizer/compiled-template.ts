// A chat template made ready to run. It is a third-party program, so our own interpreter runs it: it works on plain
// data only and counts every step, see jinja/budget.ts.
import { type RenderOptions, renderTemplate } from './jinja/interpreter.js';
import type { Statement } from './jinja/nodes.js';
import { parseTemplate } from './jinja/parser.js';

const maxTemplateLength = 1 << 16;

export class CompiledTemplate {
  /** Whether the template says which of its text the assistant said. */
  readonly marksAnswers: boolean;
  readonly #program: readonly Statement[];

  /** Throws an `Error` where the source does not parse. */
  constructor(source: string) {
    if (source.length > maxTemplateLength) throw new Error(`it is longer than ${maxTemplateLength} characters`);
    this.#program = parseTemplate(source);
    this.marksAnswers = this.#program.some(hasGeneration);
  }

  /** Puts the marks of `options` around what `{% generation %}` holds. Throws an `Error` where the template fails. */
  render(context: Record<string, unknown>, options: RenderOptions): string {
    return renderTemplate(this.#program, context, options);
  }
}

/** Whether `{% generation %}` stands in a statement. */
function hasGeneration(statement: Statement): boolean {
  if (statement.type === 'Generation') return true;
  const parts = 'body' in statement ? [statement.body] : [];
  if (statement.type === 'If') parts.push(statement.alternate);
  if (statement.type === 'For') parts.push(statement.otherwise);
  if (statement.type === 'CallBlock') parts.push(statement.macro.body);
  return parts.some((part) => part.some(hasGeneration));
}
