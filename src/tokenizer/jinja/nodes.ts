// A parsed template, as @huggingface/jinja's parser builds it. Its own types are lost to us: its declarations import each
// other without the ends of file names.
import { Template } from '@huggingface/jinja';

export type Expression =
  | { type: 'IntegerLiteral' | 'FloatLiteral'; value: number }
  | { type: 'StringLiteral'; value: string }
  | { type: 'ArrayLiteral' | 'TupleLiteral'; value: Expression[] }
  | { type: 'ObjectLiteral'; value: Map<Expression, Expression> }
  | Identifier
  | { type: 'MemberExpression'; object: Expression; property: Expression | Slice; computed: boolean }
  | Call
  | { type: 'UnaryExpression'; operator: { value: string }; argument: Expression }
  | { type: 'BinaryExpression'; operator: { value: string }; left: Expression; right: Expression }
  | { type: 'FilterExpression'; operand: Expression; filter: Identifier | Call }
  | { type: 'TestExpression'; operand: Expression; negate: boolean; test: Identifier }
  /** `lhs if test`, without an else. */
  | { type: 'SelectExpression'; lhs: Expression; test: Expression }
  | { type: 'Ternary'; condition: Expression; trueExpr: Expression; falseExpr: Expression };

export interface Identifier {
  type: 'Identifier';
  value: string;
}

export interface Slice {
  type: 'SliceExpression';
  start?: Expression;
  stop?: Expression;
  step?: Expression;
}

export interface Call {
  type: 'CallExpression';
  callee: Expression;
  args: Argument[];
}

export interface KeywordArgument {
  type: 'KeywordArgumentExpression';
  key: Identifier;
  value: Expression;
}

export type Argument =
  | Expression
  | KeywordArgument
  | { type: 'SpreadExpression'; argument: Expression }
  | { type: 'KeywordSpreadExpression'; argument: Expression };

export type Parameter = Identifier | KeywordArgument;

export type Statement =
  | Expression
  | { type: 'Comment'; value: string }
  | { type: 'Break' | 'Continue' }
  | { type: 'If'; test: Expression; body: Statement[]; alternate: Statement[] }
  | { type: 'For'; loopvar: Expression; iterable: Expression; body: Statement[]; defaultBlock: Statement[] }
  | { type: 'Set'; assignee: Expression; value: Expression | null; body: Statement[] }
  | { type: 'Macro'; name: Identifier; args: Parameter[]; body: Statement[] }
  | { type: 'CallStatement'; call: Call; callerArgs: Parameter[] | null; body: Statement[] }
  | { type: 'FilterStatement'; filter: Identifier | Call; body: Statement[] };

/** Throws an `Error` where the source does not parse. Both block options are on, as in transformers. */
export function parseTemplate(source: string): Statement[] {
  return (new Template(source) as { parsed: { body: Statement[] } }).parsed.body;
}
