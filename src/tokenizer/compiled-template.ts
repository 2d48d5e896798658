// A chat template made ready to run. It is a third-party program, so our own interpreter runs it: it works on plain
// data only and counts every step, see jinja/budget.ts.
import type { Escaping } from './jinja/budget.js';
import { generationCall, type Marks, renderTemplate } from './jinja/interpreter.js';
import { parseTemplate, type Statement } from './jinja/nodes.js';

const maxTemplateLength = 1 << 16;
/** The parser's own regexes take quadratic time on a run of white space. */
const longSpace = /\s{2048}/;

export class CompiledTemplate {
  /** Whether the template says which of its text the assistant said. */
  readonly marksAnswers: boolean;
  readonly #program: readonly Statement[];

  /** Throws an `Error` where the source does not parse. */
  constructor(source: string) {
    if (source.length > maxTemplateLength) throw new Error(`it is longer than ${maxTemplateLength} characters`);
    if (longSpace.test(source)) throw new Error('it has more than 2,000 spaces in a row');
    this.marksAnswers = generationTag.test(source);
    // transformers runs `{% generation %}` as a call block, white-space control included, and so do we.
    const runnable = source
      .replace(/\r\n?/g, '\n') // as Jinja reads its sources
      .replace(/\{%(-?)\s*generation\s*(-?)%\}/g, `{%$1 call ${generationCall}() $2%}`)
      .replace(/\{%(-?)\s*endgeneration\s*(-?)%\}/g, '{%$1 endcall $2%}');
    this.#program = parseTemplate(runnable);
  }

  /** Puts `marks` around what `{% generation %}` holds. Throws an `Error` where the template fails. */
  render(context: Record<string, unknown>, marks: Marks & { escaping?: Escaping }): string {
    return renderTemplate(this.#program, context, marks);
  }
}

const generationTag = /\{%-?\s*generation\s*-?%\}/;
